"""How much memory a model takes, and how long a context therefore may be."""

from __future__ import annotations

from pathlib import Path

#: The longest context in tokens that is taken without being asked for.
LONGEST = 32_768
# A shorter context than this is none that one can work with.
_SHORTEST = 2_048
# llama.cpp reserves the context in steps.
_STEP = 256
# What computing takes besides weights and context, and what should be left to everybody else.
_BUFFERS = 300_000_000
_SPARE = 0.1

_GROUP = Path("/sys/fs/cgroup")
# What the drivers of NVIDIA and AMD make; how much is free there only their own tools tell.
_CARDS = (Path("/dev/nvidiactl"), Path("/dev/kfd"), Path("C:/Windows/System32/nvidia-smi.exe"))


def free_memory() -> int:
    """Bytes that can be had now: the machine's, or the container's if that has less."""
    import psutil  # noqa: PLC0415 - 20 ms that only those with a model file should pay

    free = int(psutil.virtual_memory().available)
    try:
        return min(free, _free_in_container())
    except (OSError, ValueError, KeyError):
        return free  # no container, or one without a limit


def memory_for_models() -> int | None:
    """`free_memory`, or None where a graphics card may hold models in memory of its own."""
    return None if any(path.exists() for path in _CARDS) else free_memory()


def _free_in_container() -> int:
    """What is left below the limit of Linux's control group; files kept in memory can go."""
    limit, used = (int((_GROUP / f"memory.{name}").read_text()) for name in ("max", "current"))
    rows = (line.split() for line in (_GROUP / "memory.stat").read_text().splitlines())
    counts = {name: int(value) for name, value in rows}
    return limit - used + counts["active_file"] + counts["inactive_file"]


def needed(weights: int, bytes_per_token: int, context: int) -> int:
    """Bytes that a model takes with a context of `context` tokens."""
    return weights + bytes_per_token * context + _BUFFERS


def fit_context(
    weights: int, bytes_per_token: int, trained: int | None, stated: int | None, free: int
) -> int | None:
    """The context in tokens with which a model fits into `free` bytes; None: it does not.

    Without a `stated` context it is the one that the model was `trained` for, but at most
    `LONGEST`, and less where memory is short. A `stated` one is not made shorter.
    """
    usable = int(free * (1 - _SPARE))
    if stated is not None:
        return stated if needed(weights, bytes_per_token, stated) <= usable else None
    most = min(trained or LONGEST, LONGEST)
    left = usable - needed(weights, bytes_per_token, 0)
    if left < 0:
        return None
    room = left // bytes_per_token // _STEP * _STEP if bytes_per_token else most
    return min(most, room) if room >= min(most, _SHORTEST) else None
