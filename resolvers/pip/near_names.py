"""Names of packages that someone may have meant. Pure."""

from difflib import get_close_matches

IMPORT_NAMES = {
    "attr": "attrs",
    "bio": "biopython",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "fitz": "pymupdf",
    "git": "gitpython",
    "osgeo": "gdal",
    "pil": "pillow",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
    "zmq": "pyzmq",
}
"""Names that people import, to the names of the packages."""
WELL_KNOWN = """
aiohttp altair attrs beautifulsoup4 black bokeh boto3 bottleneck cartopy catboost cffi click
cryptography cython dask datasets distributed django docker duckdb fastapi fastparquet flask
fsspec gensim geopandas gitpython h5py httpx huggingface-hub ibis-framework ipykernel ipython
ipywidgets jax jinja2 joblib jupyter jupyter-server jupyterhub jupyterlab keras lightgbm lxml
matplotlib mkdocs mlflow mypy nbconvert nbformat netcdf4 networkx nltk notebook numba numexpr
numpy openpyxl opencv-python opencv-python-headless optuna pandas papermill pillow pip plotly
polars prophet psycopg2 psycopg2-binary pyarrow pydantic pygments pymc pymongo pymupdf pyproj
pyserial pyspark pytest python-dateutil python-dotenv pytz pyyaml pyzmq rasterio requests rich
ruff scikit-image scikit-learn scipy seaborn selenium setuptools shapely six spacy sqlalchemy
statsmodels streamlit sympy tables tensorflow tokenizers torch torchaudio torchvision tornado
tqdm transformers typer urllib3 uvicorn voila wheel xarray xgboost zarr
"""


def near_names(name: str) -> tuple[str, ...]:
    """Return at most two well-known packages whose names resemble a normalised name."""
    if name in IMPORT_NAMES:
        return (IMPORT_NAMES[name],)
    return tuple(get_close_matches(name, WELL_KNOWN.split(), n=2, cutoff=0.75))
