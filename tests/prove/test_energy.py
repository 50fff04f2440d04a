"""Energy counters: packages are read, their parts and unreadable ones are not; a wrap is seen."""

from burnish.prove.energy import Counter, Meter, find_counters


def zone(root, name, microjoules, wraps_at=262143328850):
    folder = root / name
    folder.mkdir()
    (folder / "energy_uj").write_text(f"{microjoules}\n")
    (folder / "max_energy_range_uj").write_text(f"{wraps_at}\n")
    return folder


def test_packages_count_and_their_parts_do_not(tmp_path):
    zone(tmp_path, "intel-rapl:0", 2_000_000)
    zone(tmp_path, "intel-rapl:0:0", 1_000_000)
    zone(tmp_path, "intel-rapl:1", 3_000_000)
    found = [c for c in find_counters(tmp_path) if c.name.startswith("RAPL")]
    assert [c.read() for c in found] == [2.0, 3.0]
    assert Meter(65, tuple(found)).how == "measured (RAPL, whole package)"


def test_what_cannot_be_read_is_no_counter(tmp_path):
    assert find_counters(tmp_path) == ()
    broken = zone(tmp_path, "intel-rapl:0", 1)
    (broken / "energy_uj").write_text("denied")
    assert find_counters(tmp_path) == ()


def test_a_counter_that_wrapped_counts_on(tmp_path):
    folder = zone(tmp_path, "intel-rapl:0", 9_000_000, wraps_at=10_000_000)
    meter = Meter(65, tuple(c for c in find_counters(tmp_path) if c.name.startswith("RAPL")))
    before = meter.read()
    (folder / "energy_uj").write_text("2000000")
    assert meter.joules(before, meter.read(), 1.0) == 3.0


def test_two_counters_add_up():
    meter = Meter(65, (Counter("RAPL, whole package", lambda: 0), Counter("NVML", lambda: 0)))
    assert meter.joules((1, 10), (2, 30), 1.0) == 21
    assert meter.how == "measured (RAPL, whole package + NVML)"
    assert Meter(50).joules((), (), 2.0) == 100
