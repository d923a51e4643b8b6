"""Read a folder that repo2docker builds, such as a repository for Binder.

The files, and which of them count, are those of repo2docker 2026.02 and its build packs:
https://repo2docker.readthedocs.io/en/latest/configuration/.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orbiter.config.requirements import package_name
from orbiter.config.toml_format import ListItem
from orbiter.convert import apt_txt, environment_yml, r_packages, runtime_txt
from orbiter.convert.collect import Collector
from orbiter.convert.dockerfile import reader as dockerfile
from orbiter.convert.files import read_text, why_no_file
from orbiter.convert.misspelt import misspelt_files
from orbiter.convert.python import pipfile, requirements_txt
from orbiter.convert.python.addresses import read_toml
from orbiter.render.environment import is_environment_dockerfile
from resolvers.errors import ExpectedError

FOLDERS = ("binder", ".binder")
PIPFILES = ("Pipfile", "Pipfile.lock")
ENVIRONMENTS = ("environment.yml", "environment.yaml")
DOCKERFILE = "Dockerfile"
FILES = (
    DOCKERFILE,
    "Project.toml",
    "JuliaProject.toml",
    "REQUIRE",
    "default.nix",
    "runtime.txt",
    "install.R",
    "environment.yml",
    "environment.yaml",
    "Pipfile",
    "Pipfile.lock",
    "requirements.txt",
    "requirements3.txt",
    "apt.txt",
    "postBuild",
    "start",
)
"""The files that repo2docker reads in its folder."""
AT_TOP = ("setup.py", "pyproject.toml", "DESCRIPTION")
"""The files that it reads at the top of the repository, if there is no folder of its own."""
BASE = ("ipywidgets", "jupyterhub", "jupyterlab", "notebook")
"""Packages of its base environment. Its conda packages have the same names."""
LONGEST_MARK = 1000
"""Characters of a Dockerfile that show whether Orbiter wrote it."""
JULIA = "Orbiter has no manager for it; see the how-to guide about kernels"
OTHER_FILES = ("pixi.toml", "package.json", "pyproject.toml")
"""Files that can be imported alone; repo2docker does not install their packages."""
START = "/usr/local/bin/start"
POST_BUILD = "/usr/local/bin/postBuild"
RUN_POST_BUILD = f'su -s /bin/sh "$NB_USER" -c "cd && {POST_BUILD}"'
"""Run it as repo2docker does: as the notebook user, in the home folder."""
PYTHON = re.compile(r"3\.\d+(\.\d+)?", re.ASCII)


def read(folder: Path, collector: Collector) -> None:
    """Collect everything that repo2docker installs. Raises ExpectedError for ambiguous folders."""
    _Reader(folder, collector).read()


class _Reader:
    def __init__(self, folder: Path, collector: Collector) -> None:
        self._folder = folder
        self._collector = collector
        self._report_generated()
        own = [name for name in FOLDERS if self._is_own(folder / name)]
        if len(own) > 1:
            problem = f"{folder} has the folders binder and .binder, and repo2docker accepts one"
            raise ExpectedError(problem, "remove one of them")
        self._own = folder / own[0] if own else folder
        self._has_own = bool(own)
        self._runtime = runtime_txt.parse(self._text("runtime.txt"))

    def read(self) -> None:
        if not self._has_content():
            raise self._nothing_to_read()
        self._report_unread()
        pack = self._pack()
        if pack == "dockerfile":
            self._read_dockerfile()
            return
        self._report_ignored(pack)
        self._read_runtime(pack)
        if self._has("apt.txt"):
            apt_txt.read(self._own / "apt.txt", self._text("apt.txt"), self._collector)
        environment = self._environment()
        if environment and pack != "nix":
            self._read_environment(self._own / environment)
        if pack == "pipfile":
            self._read_pipfile()
        if pack in {"python", "r", "julia"}:
            self._read_requirements()
        if pack == "r":
            self._read_r()
        if pack in {"julia", "nix"}:
            names = [name for name in FILES[1:5] if self._has(name)]
            self._collector.leave_out(f"{self._own}: {', '.join(names)}", JULIA)
        self._add_base(is_conda=bool(environment))
        self._read_scripts()

    def _has_content(self) -> bool:
        has_description = not self._has_own and self._has("DESCRIPTION")
        return any(map(self._has, FILES)) or has_description or self._is_package()

    def _report_unread(self) -> None:
        """Report the paths that repo2docker would read if they had another name or were files."""
        for name, known in self._misspelt().items():
            self._collector.leave_out(f"{self._own / name}", f"did you mean {known}?")
        for path in self._unreadable():
            self._collector.leave_out(f"{path}", why_no_file(path))

    def _misspelt(self) -> dict[str, str]:
        return misspelt_files(self._own, FILES, (*AT_TOP, *OTHER_FILES))

    def _unreadable(self) -> list[Path]:
        """Return the paths with names that repo2docker reads which are not files."""
        names = FILES if self._has_own else (*FILES, *AT_TOP)
        paths = [self._own / name for name in names]
        return [path for path in paths if os.path.lexists(path) and not path.is_file()]

    def _nothing_to_read(self) -> ExpectedError:
        """Return the error for a folder without any of the files, with the files it may mean."""
        hints = [f"did you mean {known}? Rename {name}" for name, known in self._misspelt().items()]
        hints += [f"{path}: {why_no_file(path)}" for path in self._unreadable()]
        others = [self._folder / name for name in OTHER_FILES if (self._folder / name).is_file()]
        hints += [f"import the file itself: orbiter import {path}" for path in others]
        hints.append(f"a folder is imported by these files: {', '.join((*FILES, *AT_TOP))}")
        problem = f"nothing to import: {self._own} has no file that repo2docker reads"
        return ExpectedError(problem, "\n  ".join(hints))

    def _is_own(self, path: Path) -> bool:
        """Return whether a folder has more for repo2docker than the Dockerfile of Orbiter."""
        files = [name for name in FILES if os.path.lexists(path / name)]
        is_generated = files == [DOCKERFILE] and _is_generated(path / DOCKERFILE)
        return path.is_dir() and not is_generated

    def _report_generated(self) -> None:
        """Report the Dockerfiles that start from an image of Orbiter."""
        for place in ("", *FOLDERS):
            path = self._folder / place / DOCKERFILE
            if _is_generated(path):
                why = "orbiter binder wrote it, and it starts from an image that exists"
                self._collector.leave_out(f"{path}", why)

    def _pack(self) -> str:
        """Return the build pack that repo2docker chooses: the first one that fits."""
        language = self._runtime.language
        has_description = not self._has_own and self._has("DESCRIPTION")
        fits = {
            "dockerfile": self._has(DOCKERFILE),
            "julia": any(map(self._has, ("Project.toml", "JuliaProject.toml", "REQUIRE"))),
            "nix": self._has("default.nix"),
            "r": has_description or (language == "r" and self._runtime.date != ""),
            "conda": self._environment() != "",
            "pipfile": language in {"", "python"} and any(map(self._has, PIPFILES)),
        }
        return next((pack for pack, does_fit in fits.items() if does_fit), "python")

    def _environment(self) -> str:
        return next((name for name in ENVIRONMENTS if self._has(name)), "")

    def _read_dockerfile(self) -> None:
        others = [name for name in FILES[1:] if self._has(name)]
        for name in others:
            why = "repo2docker uses the Dockerfile alone"
            self._collector.leave_out(f"{self._own / name}", why)
        path = self._own / DOCKERFILE
        dockerfile.read(path, read_text(path), self._collector)

    def _report_ignored(self, pack: str) -> None:
        """Report the files that repo2docker ignores, too."""
        if self._has_own:
            for name in (*FILES, *AT_TOP):
                if (self._folder / name).is_file():
                    why = f"repo2docker ignores it, because there is the folder {self._own.name}"
                    self._collector.leave_out(f"{self._folder / name}", why)
        used = {
            "requirements.txt": pack in {"python", "r", "julia"},
            "requirements3.txt": False,
            "Pipfile": pack == "pipfile",
            "Pipfile.lock": pack == "pipfile",
            "install.R": pack == "r",
            "environment.yaml": self._environment() != "environment.yml",
        }
        reasons = {"requirements3.txt": "it is for notebook servers beside Python 2"}
        for name, is_used in used.items():
            if self._has(name) and not is_used:
                why = reasons.get(name, f"repo2docker ignores it in a folder of the kind '{pack}'")
                self._collector.leave_out(f"{self._own / name}", why)

    def _read_runtime(self, pack: str) -> None:
        if not self._has("runtime.txt"):
            return
        text = self._text("runtime.txt").strip()
        what = f"{self._own / 'runtime.txt'}: '{text}'"
        if not self._runtime.language:
            self._collector.leave_out(what, "repo2docker does not accept it either")
        elif self._runtime.language == "python" and pack in {"python", "julia"}:
            self._set_python(what)
        elif pack == "r":
            why = "R and its packages have Debian's versions, which orbiter lock records"
            self._collector.change(what, why)
        else:
            self._collector.leave_out(
                what, f"repo2docker ignores it in a folder of the kind '{pack}'"
            )

    def _set_python(self, what: str) -> None:
        if PYTHON.fullmatch(self._runtime.version):
            self._collector.python = self._runtime.version
            self._collector.change(what, "the base image or Debian provides this Python")
        else:
            self._collector.leave_out(what, "Orbiter needs a version such as python-3.13")

    def _read_environment(self, file: Path) -> None:
        text = read_text(file)
        imported = environment_yml.read(str(file), text, self._collector.options.platforms)
        for manager, items in imported.requirements.items():
            self._collector.extend(manager, items)
        self._collector.add_channels(imported.channels)
        for left_out in imported.left_out:
            self._collector.leave_out(left_out.what, left_out.why)
        conda = [package_name("conda", item.text) for item in self._collector.items("conda")]
        if any(name.startswith("r-") for name in conda):
            self._add_missing("conda", ("r-base", "r-irkernel"), "repo2docker installs R's kernel")

    def _read_pipfile(self) -> None:
        """Read the Pipfile with its development packages, as repo2docker does."""
        self._collector.choose("dev-packages")
        if self._has("Pipfile"):
            path = self._own / "Pipfile"
            pipfile.read(path, read_text(path), self._collector)
            if self._has("Pipfile.lock"):
                why = "orbiter lock resolves the Pipfile; to keep its versions, import the lock"
                self._collector.leave_out(f"{self._own / 'Pipfile.lock'}", why)
        else:
            path = self._own / "Pipfile.lock"
            pipfile.read_lock(path, read_text(path), self._collector)

    def _read_requirements(self) -> None:
        if self._has("requirements.txt"):
            path = self._own / "requirements.txt"
            requirements_txt.read(path, read_text(path), self._collector)
        if not self._is_package():
            return
        what = f"{self._folder}: the Python project itself"
        requirements_txt.add_address(self._collector, ".", self._folder, what, "")

    def _is_package(self) -> bool:
        if self._has_own:
            return False
        path = self._folder / "pyproject.toml"
        if path.is_file():
            data: Mapping[str, Any] = read_toml(path, read_text(path))
            if "project" in data and "build-system" in data:
                return True
        return (self._folder / "setup.py").is_file()

    def _read_r(self) -> None:
        self._add_missing("apt", ("r-base", "r-cran-irkernel"), "repo2docker installs R's kernel")
        if self._has("install.R"):
            path = self._own / "install.R"
            r_packages.read(path, read_text(path), self._collector)
        if not self._has_own and self._has("DESCRIPTION"):
            why = "the R project and its dependencies: list packages as r-cran-NAME in apt"
            self._collector.leave_out(f"{self._folder / 'DESCRIPTION'}", why)

    def _add_base(self, *, is_conda: bool) -> None:
        manager = "conda" if is_conda else "pip"
        self._add_missing(manager, BASE, "repo2docker installs them in every image")

    def _add_missing(self, manager: str, packages: tuple[str, ...], why: str) -> None:
        """Add the packages that no file requests, and report them."""
        managers = {manager, "pip"} if manager == "conda" else {manager}
        there = {
            package_name(each, item.text)
            for each in managers
            for item in self._collector.items(each)
        }
        missing = [name for name in packages if name not in there]
        self._collector.extend(manager, [ListItem(text=name) for name in missing])
        if missing:
            self._collector.change(f"{manager} {', '.join(missing)} added", why)

    def _read_scripts(self) -> None:
        if path := self._script("postBuild"):
            self._collector.files[path] = POST_BUILD
            self._collector.add_to_image("postbuild", ListItem(text=RUN_POST_BUILD))
            why = (
                f"it is the file {POST_BUILD} of the image, and runs as the notebook user in the "
                "home folder, without the network and the other files of the repository; list "
                "what it needs in files, downloads or the lists of packages"
            )
            self._collector.change(f"{self._own / 'postBuild'}", why)
        if path := self._script("start"):
            self._collector.files[path] = START
            self._collector.add_to_image("entrypoint", ListItem(text=START))
            why = f"it is the file {START} of the image, and its entrypoint"
            self._collector.change(f"{self._own / 'start'}", why)
        why = (
            "an image has the environment; start it with orbiter run --mount, or put it below "
            "the repository on Binder"
        )
        self._collector.leave_out("the other files of the folder", why)

    def _script(self, name: str) -> str:
        """Return the path of a script as images.toml names it; leave it out if it cannot."""
        if not self._has(name):
            return ""
        path = self._own / name
        try:
            root = self._collector.options.root.resolve()
            return path.resolve().relative_to(root).as_posix()
        except ValueError:
            why = "it is not below the folder of images.toml: run orbiter import there"
            self._collector.leave_out(f"{path}", why)
            return ""

    def _has(self, name: str) -> bool:
        path = self._own / name
        return path.is_file() and not _is_generated(path)

    def _text(self, name: str) -> str:
        return read_text(self._own / name) if self._has(name) else ""


def _is_generated(path: Path) -> bool:
    """Return whether a file is the Dockerfile that ``orbiter binder`` writes."""
    if path.name != DOCKERFILE or not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        return is_environment_dockerfile(file.readline(LONGEST_MARK))
