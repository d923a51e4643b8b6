"""The keys of an image in images.toml that say how its containers run, as people write them.

They are part of the types in ``schema``, which explains their ``Meta``.
"""

from typing import Annotated, Literal, get_args

from msgspec import Meta, Struct

DURATION = r"^(?=.*[1-9])(\d{1,5}h)?(\d{1,5}m)?(\d{1,5}(\.\d{1,3})?s)?(\d{1,5}ms)?$"
_FOLDER = r"/[A-Za-z0-9_.=,@+-]+(/[A-Za-z0-9_.=,@+-]+)*"
_VARIABLE = r"\$\{[A-Za-z_][A-Za-z0-9_]*\}"

VariableName = Annotated[
    str,
    Meta(
        pattern="^[A-Za-z_][A-Za-z0-9_]*$",
        extra={"expected": "a name of letters, digits and '_' that does not start with a digit"},
    ),
]
VariableValue = Annotated[str, Meta(examples=["8888"])]
Env = Annotated[
    dict[VariableName, VariableValue],
    Meta(
        description="Environment variables. ${NAME} in a value stands for another variable of this "
        "table, of a parent, of the base image or of Orbiter, and $$ for a dollar sign.",
        examples=[{"JUPYTER_PORT": "8888", "PATH": "/opt/spark/bin:${PATH}"}],
    ),
]
WorkDir = Annotated[
    str,
    Meta(
        pattern=f"^(/|{_FOLDER}|{_VARIABLE}({_FOLDER})?)$",
        description="The folder that commands start in. Default: the home folder of the user. "
        "It may begin with ${NAME}, such as ${HOME}. Orbiter creates a missing folder.",
        examples=["${HOME}/work"],
        extra={"expected": "an absolute path without blanks, or one that begins with ${NAME}"},
    ),
]
Entrypoint = Annotated[
    tuple[str, ...],
    Meta(
        description="The program that runs the command, as a list of words. An init of the image "
        "and the activation of conda packages run before it. [] is for none of them.",
        examples=[["start.sh"]],
        extra={"command": True},
    ),
]
Cmd = Annotated[
    tuple[str, ...],
    Meta(
        description="The command of the image, as a list of words. [] is for none.",
        examples=[["jupyter", "lab", "--ip=0.0.0.0"]],
        extra={"command": True},
    ),
]
LabelName = Annotated[
    str,
    Meta(
        pattern="^[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?$",
        extra={"expected": "a name of letters, digits, '.', '_', '/' and '-'"},
    ),
]
LabelValue = Annotated[str, Meta(examples=["data science"])]
Labels = Annotated[
    dict[LabelName, LabelValue],
    Meta(
        description="Labels of the image. They cannot replace those in which Orbiter records the "
        "lock set and the release.",
        examples=[{"org.opencontainers.image.licenses": "MIT"}],
    ),
]
Port = Annotated[int, Meta(ge=1, le=65535, examples=[8888])]
PortAndProtocol = Annotated[
    str,
    Meta(
        pattern="^([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]"
        "|6553[0-5])(/(tcp|udp|sctp))?$",
        examples=["8888/tcp"],
        extra={"expected": "a port from 1 to 65535, with /tcp, /udp or /sctp if needed"},
    ),
]
Expose = Annotated[
    tuple[Port | PortAndProtocol, ...],
    Meta(
        description="The ports that programs in the image listen on, added to those of its "
        "parents.",
        examples=[[8888, "5353/udp"]],
    ),
]
Duration = Annotated[
    str,
    Meta(
        pattern=DURATION,
        description="A duration as Docker writes it.",
        examples=["30s"],
        extra={"expected": "a duration of at least 1ms, such as 1m30s or 500ms"},
    ),
]
Test = Annotated[
    tuple[str, ...],
    Meta(
        min_length=1,
        description="The command that exits with 0 if the container is healthy, as words.",
        examples=[["curl", "-f", "http://localhost:8888/api"]],
        extra={
            "command": True,
            "expected": "a list of words",
            "add": 'test = ["curl", "-f", "http://localhost:8888/api"]',
        },
    ),
]
Retries = Annotated[
    int,
    Meta(
        ge=1,
        le=1000,
        description="The number of failures in a row after which a container is unhealthy.",
        examples=[3],
    ),
]
RunUser = Annotated[
    str,
    Meta(
        pattern=r"^([a-z_][a-z0-9_-]{0,31}|\d{1,9}(:\d{1,9})?)$",
        description="The user that containers run as: a name, uid or uid:gid. Default: the "
        "notebook user.",
        examples=["1000:100"],
        extra={"expected": "a user name, uid or uid:gid"},
    ),
]
Signal = Literal[
    "SIGABRT",
    "SIGALRM",
    "SIGCONT",
    "SIGHUP",
    "SIGINT",
    "SIGKILL",
    "SIGQUIT",
    "SIGRTMIN+3",
    "SIGTERM",
    "SIGUSR1",
    "SIGUSR2",
    "SIGWINCH",
]
StopSignal = Annotated[
    Signal,
    Meta(
        description="The signal that stops a container. Docker's default is SIGTERM.",
        examples=["SIGINT"],
        extra={"aliases": {name.removeprefix("SIG"): name for name in get_args(Signal)}},
    ),
]
Volume = Annotated[
    str,
    Meta(
        pattern=f"^{_FOLDER}$",
        examples=["/data"],
        extra={"expected": "an absolute path without blanks, other than /"},
    ),
]
Volumes = Annotated[
    tuple[Volume, ...],
    Meta(
        description="Folders whose content Docker keeps in volumes, added to those of its "
        "parents. Orbiter creates a missing folder.",
        examples=[["/data"]],
    ),
]
NotSecret = Annotated[
    tuple[str, ...],
    Meta(
        description="Names of variables and labels, and words of commands, that only look like "
        "secrets.",
        examples=[["MODEL_TOKEN"]],
    ),
]


class HealthcheckTable(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"
):
    """A test whether a container works; false removes an inherited one."""

    test: Test
    interval: Duration = ""
    timeout: Duration = ""
    start_period: Duration = ""
    retries: Retries = 0
