import gc
import weakref

from avspec.model.release import release_memory


def test_reference_cycles_are_collected() -> None:
    class Trainer:
        pass

    trainer = Trainer()
    trainer.optimizer = [trainer]
    gone = weakref.ref(trainer)
    gc.disable()
    try:
        del trainer
        assert gone() is not None
        release_memory()
        assert gone() is None
    finally:
        gc.enable()


def test_a_libc_without_malloc_trim_is_no_error(monkeypatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    release_memory()
