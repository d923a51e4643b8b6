"""Export an image as a folder for repo2docker and Binder, with the locked versions.

https://repo2docker.readthedocs.io/en/latest/configuration/ describes the files.
"""

from collections.abc import Iterator

import msgspec

from orbiter.config.builders import conda_settings, system_manager
from orbiter.config.requirements import package_name
from orbiter.convert.export_pip import ImagePlan, python_of
from orbiter.convert.outcome import LeftOut
from resolvers.conda.channels import parse_channel
from resolvers.conda.environment_yml import scalar
from resolvers.errors import ExpectedError
from resolvers.index.source import URL, is_direct
from resolvers.types.packages import Pin

HEAD = "# Written by Orbiter: the locked packages of {stage} in release {release}.\n"


class BinderFolder(msgspec.Struct, frozen=True, kw_only=True):
    """The text of each file of the folder, and what it does not have."""

    files: dict[str, str]
    left_out: tuple[LeftOut, ...]


def binder_folder(image: ImagePlan) -> BinderFolder:
    """Return the files for an image: conda packages in environment.yml, or requirements.txt.

    Raises ExpectedError if the image has neither conda nor pip packages.
    """
    head = HEAD.format(stage=image.stage.stage.name, release=image.plan.release)
    conda, pip, left_out = image.pins("conda"), *_pip_lines(image.pins("pip"))
    files: dict[str, str] = {}
    if conda:
        files["environment.yml"] = head + _environment(image, conda, pip)
    elif pip:
        files["requirements.txt"] = head + "".join(f"{line}\n" for line in pip)
        minor = ".".join(python_of(image).split(".")[:2])
        files |= {"runtime.txt": f"python-{minor}\n"} if minor else {}
    else:
        problem = f"{image.stage.stage.name} has neither conda nor pip packages"
        raise ExpectedError(problem, "name an image with packages that repo2docker can install")
    system = [*_system(image)]
    if system_manager(image.stage.stage.builder) == "apt" and system:
        files["apt.txt"] = head + "".join(f"{name}\n" for name in system)
        why = "apt.txt has names only, so the versions are those of repo2docker's base image"
        left_out.append(LeftOut(what=f"the versions of {len(system)} Debian packages", why=why))
    elif system:
        why = "repo2docker installs Debian packages"
        left_out.append(LeftOut(what=f"apk {', '.join(system)}", why=why))
    return BinderFolder(files=files, left_out=(*left_out, *_others(image)))


def _pip_lines(pins: tuple[Pin, ...]) -> tuple[list[str], list[LeftOut]]:
    lines, left_out = [], []
    for pin in pins:
        source = pin.artifact.source
        if source.startswith(URL):
            lines.append(f"{pin.name} @ {source.removeprefix(URL)}")
        elif is_direct(source):
            why = "it is made from git or a folder: add it with its address"
            left_out.append(LeftOut(what=f"pip {pin.name} {pin.version}", why=why))
        else:
            lines.append(f"{pin.name}=={pin.version}")
    return lines, left_out


def _environment(image: ImagePlan, conda: tuple[Pin, ...], pip: list[str]) -> str:
    builder = image.plan.image_set.builders[image.stage.stage.builder]
    channels = [parse_channel(name).url for name in conda_settings(builder).channels]
    lines = ["channels:", *(f"  - {scalar(name)}" for name in channels), "  - nodefaults"]
    lines += ["dependencies:", *(f"  - {scalar(_spec(pin))}" for pin in conda)]
    if pip:
        if not any(pin.name == "pip" for pin in conda):
            lines.append("  - pip")
        lines += ["  - pip:", *(f"    - {scalar(line)}" for line in pip)]
    return "\n".join(lines) + "\n"


def _spec(pin: Pin) -> str:
    """Return the exact package; its build is the end of the name of its file."""
    stem = pin.artifact.file.removesuffix(".conda").removesuffix(".tar.bz2")
    return f"{pin.name}={pin.version}={stem.rpartition('-')[2]}"


def _system(image: ImagePlan) -> Iterator[str]:
    """Yield the names of the Debian or Alpine packages that images.toml requests."""
    manager = system_manager(image.stage.stage.builder)
    requested = {
        package_name(manager, text)
        for each in image.stages(manager)
        for text in each.stage.requirements.get(manager, ())
        if each.stage.kind != "base"
    }
    yield from sorted(requested)


def _others(image: ImagePlan) -> Iterator[LeftOut]:
    if npm := image.pins("npm"):
        why = "repo2docker has no list of npm packages: install them in postBuild"
        yield LeftOut(what=f"{len(npm)} npm packages", why=why)
    for key in ("postbuild", "prebuild", "files", "downloads"):
        if any(getattr(each.stage, key, None) for each in image.stages("pip")):
            yield LeftOut(what=key, why="write it in postBuild or start")
