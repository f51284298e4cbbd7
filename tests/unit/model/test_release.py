import gc
import os
import weakref

from avspec.model.release import limit_kernels, release_memory


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


def test_the_kernels_limit_leaves_what_the_user_has_set(monkeypatch) -> None:
    name = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"
    monkeypatch.delenv(name, raising=False)
    limit_kernels()
    assert os.environ[name] == "128"
    monkeypatch.setenv(name, "7")
    limit_kernels()
    assert os.environ[name] == "7"


def test_a_libc_without_malloc_trim_is_no_error(monkeypatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    release_memory()
