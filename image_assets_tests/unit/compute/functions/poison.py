"""Work for worker processes: harmless, bad, and deadly in every way that is known."""

import ctypes
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from image_assets.compute.outcomes import Done, Failed, Outcome
from image_assets.errors import ImageError, RejectionReason, StoreUnavailableError

_HELD: list[bytearray] = []


def negate(number: int) -> int:
    return -number


def unchanged(item: object) -> object:
    return item


def own_pid(_item: object) -> int:
    return os.getpid()


def nap(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def reject_odd(number: int) -> int:
    if number % 2:
        raise ImageError(RejectionReason.CORRUPT, f"{number} is odd", {"number": number})
    return number


def run_out_of_memory(_item: object) -> NoReturn:
    raise MemoryError


def decode_out_of_memory(number: int) -> NoReturn:
    raise ImageError(RejectionReason.OUT_OF_MEMORY, "no memory left to decode it", {"number": number})


def lose_storage(_item: object) -> NoReturn:
    raise StoreUnavailableError("the disk does not answer")


class StubbornError(StoreUnavailableError):
    """Cannot be pickled: it cannot be made from its arguments."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"{host}:{port}")


def raise_stubborn(_item: object) -> NoReturn:
    raise StubbornError("localhost", 1)


def return_a_generator(_item: object) -> object:
    return (number for number in range(3))


def complain(item: int | str) -> int | str:
    """Write to standard error like a library in C, over whatever the item says; die of "segfault"."""
    os.write(2, f"about {item}\n".encode())
    return obey(item)


def segfault() -> None:
    ctypes.string_at(0)


def leave() -> None:
    os._exit(3)


def kill_itself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def hang() -> None:
    time.sleep(600)


def hang_holding_the_interpreter() -> None:
    ctypes.PyDLL(None).sleep(600)


def devour_memory() -> None:
    while True:
        _HELD.append(bytearray(16 * 1024**2))


def abort_when_memory_is_full() -> None:
    """As libraries in C++ and Rust do."""
    try:
        devour_memory()
    except MemoryError:
        os.abort()


DEADLY = {
    function.__name__: function
    for function in (
        segfault,
        leave,
        kill_itself,
        hang,
        hang_holding_the_interpreter,
        devour_memory,
        abort_when_memory_is_full,
    )
}


def obey(item: int | str) -> int | str:
    """Do the deadly thing that the item names; a number or "bad" is harmless."""
    if item == "bad":
        raise ImageError(RejectionReason.CORRUPT, "bad")
    if isinstance(item, str):
        DEADLY[item]()
    return item


def leak(megabytes: int) -> int:
    _HELD.append(bytearray(megabytes * 1024**2))
    return len(_HELD)


def obey_and_keep_count(folder: Path, item: str) -> str:
    """Leave one file per attempt, named after the process."""
    (folder / f"{item}-{os.getpid()}").touch()
    return str(obey(item))


def hang_at_first(folder: Path, item: int) -> int:
    """Hang in the first process that meets the item, leaving its pid in a file; be quick in the next."""
    trace = folder / str(item)
    if not trace.exists():
        _write_whole(trace, str(os.getpid()))
        hang()
    return item


def hang_always(folder: Path, item: str) -> None:
    """Hang in the named way in every process, after leaving the pid in a file."""
    _write_whole(folder / f"{time.monotonic_ns()}.pid", str(os.getpid()))
    DEADLY[item]()


def _write_whole(path: Path, text: str) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(text)
    draft.rename(path)


class DeadlyToUnpickle:
    """Ends the process that unpickles it."""

    def __reduce__(self) -> tuple[object, ...]:
        return os._exit, (3,)


def ignore_extra(_extra: object, item: int) -> int:
    return item


class Overlapping:
    """Obeys an item, and is slow to say so; says how many items it had begun by then."""

    def __init__(self, work: Callable[[object], object], slow_s: float = 0.0) -> None:
        self.work, self.slow_s = work, slow_s
        self.begun, self.asked = 0, []

    def look_ahead(self, items: Sequence[object]) -> None:
        self.asked = list(items)

    def await_input(self, item: object) -> None:
        assert item in self.asked

    def begin(self, item: object) -> Callable[[], object]:
        result = self.work(item)
        self.begun += 1

        def finish() -> object:
            time.sleep(self.slow_s)
            if item == "lost":
                raise StoreUnavailableError("the cloud does not answer")
            return result, self.begun

        return finish

    def __call__(self, item: object) -> object:
        return self.begin(item)()


def in_upper_case(items: Iterator[str]) -> Iterator[Outcome[str, str]]:
    """Of a device: in another order, and no word is refused."""
    for word in sorted(items):
        yield Done(word, word.upper()) if word else Failed(word, ImageError(RejectionReason.EMPTY, "no word"))


def lose_device(_items: Iterator[str]) -> Iterator[Outcome[str, str]]:
    raise StoreUnavailableError("no device")


def kill_the_foreman_once(folder: Path, item: int) -> int:
    """Be fast, but for one item that ends whoever has the workers, and is harmless ever after."""
    trace = folder / "killed"
    if item == 60 and not trace.exists():
        trace.touch()
        os.kill(os.getppid(), signal.SIGKILL)
        hang()
    return item


def kill_the_foreman(_item: int) -> NoReturn:
    os.kill(os.getppid(), signal.SIGKILL)
    hang()
    raise AssertionError("unreachable")
