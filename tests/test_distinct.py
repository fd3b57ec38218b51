"""Looking up and sorting by distinct values gives what pandas gives row by row: equal, not merely close."""

import numpy as np
import pandas as pd
import pytest

from ipseval.registers import distinct

N = 500


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """Texts, dates, numbers and whole numbers, some missing, many alike."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "person_id": pd.Series(rng.choice(["7", "10", "x9", "Å", ""], N), dtype="str"),
            "start_on": np.datetime64("2011-01-01", "s") + rng.integers(5, size=N) * np.timedelta64(86400, "s"),
            "hours": rng.choice([37.5, -1.0, 0.0], N),
            "employed": pd.Series(rng.integers(2, size=N), dtype="Int8"),
        }
    )
    return frame.mask(rng.random(frame.shape) < 0.2)


def test_rows_are_sorted_as_pandas_sorts_them(rows: pd.DataFrame) -> None:
    by = ["person_id", "hours", "employed", "start_on"]
    pd.testing.assert_frame_equal(distinct.in_order(rows, by), rows.sort_values(by, ignore_index=True))
    ready = rows.sort_values(by)
    pd.testing.assert_frame_equal(distinct.in_order(ready, by), ready.reset_index(drop=True))


def test_more_columns_than_one_number_holds_are_combined(rows: pd.DataFrame) -> None:
    """Seven columns of a thousand ranks each are beyond 64 bits."""
    rng = np.random.default_rng(6)
    columns = pd.DataFrame(rng.integers(3, size=(N, 7)) * 499)
    number = distinct.combined((columns[j].to_numpy(), 1000) for j in columns)
    assert np.argsort(number, kind="stable").tolist() == columns.sort_values(list(columns)).index.tolist()
    same = columns.groupby(list(columns)).ngroup()
    assert pd.Series(number).groupby(same).nunique().eq(1).all()
    assert len(np.unique(number)) == same.nunique()


def test_values_are_looked_up_as_map_does(rows: pd.DataFrame) -> None:
    days = pd.Series(pd.to_datetime(["2001-01-01", None, "2003-01-01"]).as_unit("s"), index=["7", "10", "nobody"])
    for keys in (rows["person_id"], rows["person_id"][:0], rows["person_id"].sample(frac=0.5, random_state=1)):
        pd.testing.assert_series_equal(distinct.looked_up(days, keys), keys.map(days), check_names=False)
        wanted = days.index.get_indexer(pd.Index(keys))
        assert distinct.positions(days.index, keys).tolist() == wanted.tolist()
    assert distinct.looked_up(days[:0], rows["person_id"]).isna().all()
