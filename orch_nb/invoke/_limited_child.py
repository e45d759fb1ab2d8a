"""The child's side of a run with limits: a script on its own, which is never imported.

Its job comes on stdin as JSON; what it has to say goes to the pipe whose number is its one
argument: the job's ``nonce`` if all went well, else JSON that says what did not. The code that it
runs is a model's; `orch_nb.invoke.limited_run` says what holds it back and what does not.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Sequence
from types import CodeType, ModuleType, SimpleNamespace

ANSWER, ASSERTIONS = "<answer>", "<assertions>"

# Seconds after the parent's limit at which a child ends by itself whose parent is gone.
GRACE = 5
# What an answer may change in its folder before it is refused more, so that clearing it is quick.
MOST_CHANGES = 200

# Events of https://docs.python.org/3/library/audit_events.html that reach nothing outside the
# process. What is neither here nor judged in `guard` is refused: so is what a later Python adds.
HARMLESS = {
    "array.__new__", "builtins.id", "builtins.input", "builtins.input/result", "code.__new__",
    "compile", "exec", "function.__new__", "glob.glob", "glob.glob/2", "marshal.dumps",
    "marshal.loads", "object.__delattr__", "object.__getattr__", "object.__setattr__",
    "os.putenv", "os.unsetenv", "os.walk", "os.fwalk", "pathlib.Path.glob", "pathlib.Path.rglob",
    "pathlib.Path.walk", "pickle.find_class", "shutil.copyfile", "shutil.move", "shutil.rmtree",
    "sys._getframe", "sys._getframemodulename", "sys.excepthook",
    "sys.set_asyncgen_hook_finalizer", "sys.set_asyncgen_hook_firstiter",
    "sys.set_asyncgen_hooks_finalizer", "sys.set_asyncgen_hooks_firstiter", "sys.unraisablehook",
    "tempfile.mkdtemp", "tempfile.mkstemp", "time.sleep",
}  # fmt: skip
CHANGES = {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate", "os.utime"}
LISTS = {"os.listdir", "os.scandir"}
# What the folder of a zone is on Linux and macOS; `zoneinfo` looks there.
ZONES = ("/usr/share/zoneinfo/", "/usr/lib/zoneinfo/", "/usr/share/lib/zoneinfo/")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Modules of the standard library with ways out that no event tells of.
BARRED = {
    "_ctypes", "_ctypes_test", "_curses", "_dbm", "_gdbm", "_interpreters", "_posixshmem",
    "_posixsubprocess", "_remote_debugging", "_testcapi", "_testinternalcapi",
    "_testlimitedcapi", "_testmultiphase", "_testsinglephase", "_tkinter", "_xxsubinterpreters",
    "ctypes", "readline",
}  # fmt: skip
# Single functions without an event, and the modules that have them.
BARRED_FUNCTIONS = {
    "fork_exec": ("_posixsubprocess",),
    "pidfd_send_signal": ("_signal", "signal"),
    **dict.fromkeys(
        ("chroot", "mkfifo", "mknod", "pidfd_open", "setns", "setpgid", "setsid", "unshare"),
        ("posix", "os"),
    ),
}


def main() -> None:
    """Take the limits upon oneself, run the job, and say how it went."""
    job, pipe = SimpleNamespace(**json.load(sys.stdin)), int(sys.argv[1])
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    sys.argv[:] = ["answer"]
    limit(job)
    answer = sys.modules["answer"] = sys.modules["__main__"] = ModuleType("answer")
    failure = run(job, answer)
    os.write(pipe, (failure or job.nonce).encode())
    os._exit(0)  # nothing that the code left behind is run any more


def limit(job: SimpleNamespace) -> None:
    """Have the operating system hold this process to its limits, where it can."""
    most = {
        resource.RLIMIT_CPU: job.seconds + 1,
        resource.RLIMIT_AS: job.memory,
        resource.RLIMIT_FSIZE: job.file,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in most.items():
        try:
            resource.setrlimit(kind, (value, value))
        except (ValueError, OSError):  # macOS does not know all of them
            continue
    signal.alarm(job.seconds + GRACE)


def run(job: SimpleNamespace, answer: ModuleType) -> str | None:
    """None if everything ran to its end, else what did not, as JSON."""
    try:
        code = parse(job.blocks)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        return described("syntax", error)
    assertions = compile(job.assertions, ASSERTIONS, "exec", dont_inherit=True)
    bar()
    sys.addaudithook(guard(os.getcwd(), sys.path))  # noqa: PTH109 - pathlib takes 10 ms to load
    for where, part in (("answer", code), ("assertions", assertions)):
        try:
            exec(part, answer.__dict__)  # noqa: S102 - what this process is for
        except BaseException as error:  # noqa: BLE001 - a model's code may raise what it likes
            return described(where, error)
    return None


def parse(blocks: Sequence[str]) -> CodeType:
    """All blocks as one module, or the first alone where another is no Python."""
    try:
        return compile("\n".join(blocks), ANSWER, "exec", dont_inherit=True)
    except SyntaxError:
        return compile(blocks[0], ANSWER, "exec", dont_inherit=True)


def described(where: str, error: BaseException) -> str:
    """What `error` is, and the line of the assertions in which it came up, 0 if in none."""
    line, step = 0, error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == ASSERTIONS:
            line = step.tb_lineno
        step = step.tb_next
    # Python 3.13's shutil adds a path to our refusal, and str() then shows the path alone.
    ours = isinstance(error, PermissionError) and len(error.args) == 1
    kind, said = type(error).__name__[:100], str(error.args[0] if ours else error)[:300]
    return json.dumps({"where": where, "line": line, "kind": kind, "said": said})


def bar() -> None:
    """Have every barred function refuse; its module cannot be loaded anew."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("not allowed in a check")

    for name, modules in BARRED_FUNCTIONS.items():
        for module in map(__import__, modules):
            if hasattr(module, name):
                setattr(module, name, refuse)


def guard(own: str, path: Sequence[str]) -> Callable[[str, tuple[object, ...]], None]:
    """An audit hook by which the code can read the library on `path` and write to `own`.

    It holds the builtins that it needs: code can replace them for all others.
    """
    own += "/"
    libraries = tuple(folder.rstrip("/") + "/" for folder in path)
    native = tuple(folder for folder in libraries if folder.endswith("/lib-dynload/"))
    within, text, refused, barred = judge(), str, PermissionError, ImportError
    null, changes = os.devnull + "/", 0

    def change(*places: object) -> bool:
        nonlocal changes
        changes += 1
        return changes <= MOST_CHANGES and False not in [within(place, own) for place in places]

    def opens(place: object, mode: object, flags: int) -> bool:
        if within(place, null, relative=False):
            return True
        if flags & WRITES:
            return change(place)
        # os.open gives no mode: a library's folder could be opened by it, and written into.
        return within(place, own if mode is None else (own, *libraries, *ZONES))

    def allowed(event: str, arguments: tuple[object, ...]) -> bool:
        if event == "open":
            return opens(*arguments)  # type: ignore[arg-type]
        if event == "import":
            name, file = arguments[:2]
            known = text.__str__(name) not in BARRED
            return known and (file is None or within(file, native, relative=False))
        if event in LISTS:
            return arguments[0] is None or within(arguments[0], (own, *libraries, *ZONES))
        if event in CHANGES:
            return change(*arguments[: 2 if event == "os.rename" else 1])
        if event == "socket.__new__":
            return arguments[1] == 1  # AF_UNIX: asyncio wakes itself by a pair of them
        return event in HARMLESS

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if allowed(event, arguments):
            return
        if event == "import":
            raise barred(f"import of {text.__str__(arguments[0])} is not allowed in a check")
        raise refused(f"{event} is not allowed in a check")

    return hook


def judge() -> Callable[..., bool]:
    """A function that says whether a path lies in one of some folders, which end in a slash."""
    is_a, text, data, number = isinstance, str, bytes, int

    def within(place: object, folders: str | tuple[str, ...], relative: bool = True) -> bool:
        if is_a(place, number):
            return relative  # what is open was allowed when it was opened
        # Exactly a str: a class of the code's own can say what it likes when it is compared.
        if is_a(place, data):
            place = data.decode(place, "utf-8", "surrogateescape")  # type: ignore[arg-type]
        name = text.__str__(place)
        if ".." in name.split("/"):
            return False
        # No links can be made and the folder cannot be left: names say where they lead.
        return (name + "/").startswith(folders) if name.startswith("/") else relative

    return within


if __name__ == "__main__":
    main()
