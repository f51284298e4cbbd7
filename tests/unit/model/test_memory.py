import pytest
import torch

from avspec.model.memory import free_memory, plan_memory

GB = 10**9
SIZES = {"the base": 14 * GB, "medical": 29 * GB, "legal": 29 * GB}
"""A 7B model stored in bfloat16, with float32 vectors."""


def places(device_free: int | None, host_free: int) -> list[str]:
    return list(plan_memory(14 * GB, SIZES, device_free, host_free).places.values())


@pytest.mark.parametrize(
    ("device_free", "host_free", "expected"),
    [
        (None, 500 * GB, ["mapped", "mapped", "mapped"]),
        (200 * GB, 500 * GB, ["device", "device", "device"]),
        (65 * GB, 500 * GB, ["device", "device", "host"]),
        (65 * GB, 50 * GB, ["device", "device", "mapped"]),
        (30 * GB, 100 * GB, ["device", "host", "mapped"]),
        (10 * GB, 50 * GB, ["host", "mapped", "mapped"]),
        (0, 0, ["mapped", "mapped", "mapped"]),
    ],
)
def test_each_part_gets_the_fastest_place_with_room(device_free, host_free, expected) -> None:
    assert places(device_free, host_free) == expected


def test_what_is_placed_never_exceeds_what_is_free() -> None:
    for device_free in range(0, 120, 7):
        for host_free in range(0, 160, 9):
            plan = plan_memory(GB, SIZES, device_free * GB, host_free * GB)
            assert plan.bytes_in("device") <= device_free * GB
            assert plan.bytes_in("host") <= host_free * GB / 2
            assert sum(map(plan.bytes_in, ("device", "host", "mapped"))) == sum(SIZES.values())


def test_a_small_vector_may_go_where_a_large_one_had_no_room() -> None:
    plan = plan_memory(GB, {"the base": GB, "large": 90 * GB, "small": GB}, 10 * GB, 10 * GB)
    assert plan.places == {"the base": "device", "large": "mapped", "small": "device"}


def test_the_plan_is_one_line_in_gigabytes() -> None:
    assert plan_memory(14 * GB, SIZES, 65 * GB, 0).describe() == (
        "memory: live model 14.00 GB; the base, medical on the device 43.00 GB; legal mapped from files 29.00 GB"
    )


def test_a_cpu_has_no_memory_of_its_own() -> None:
    device, host = free_memory(torch.device("cpu"))
    assert device is None and host > 0


def test_a_device_that_does_not_say_what_is_free_gets_nothing() -> None:
    assert free_memory(torch.device("mps")) == (0, 0)
