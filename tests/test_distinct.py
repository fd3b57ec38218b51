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


def test_categories_are_their_texts(rows: pd.DataFrame) -> None:
    """Sorted by text whatever the order of the categories, looked up, numbered and stacked as texts are."""
    texts = rows["person_id"]
    keys = texts.astype(pd.CategoricalDtype(["x9", "unused", "Å", "10", "", "7"]))
    by = ["person_id", "hours", "employed", "start_on"]
    ours = distinct.in_order(rows.assign(person_id=keys), by)
    assert isinstance(ours["person_id"].dtype, pd.CategoricalDtype)
    pd.testing.assert_frame_equal(ours.astype({"person_id": "str"}), rows.sort_values(by, ignore_index=True))
    days = pd.Series(pd.to_datetime(["2001-01-01", None, "2003-01-01"]).as_unit("s"), index=["7", "10", "nobody"])
    pd.testing.assert_series_equal(distinct.looked_up(days, keys), distinct.looked_up(days, texts))
    codes, values = distinct.numbered(keys)
    assert (codes < 0).tolist() == texts.isna().tolist()
    assert values[codes[codes >= 0]].tolist() == texts.dropna().tolist()
    for other in (texts, keys[:0], texts.astype("category"), texts.dropna().astype("category")):
        both = distinct.stacked([keys, other])
        assert isinstance(both.dtype, pd.CategoricalDtype)
        pd.testing.assert_series_equal(
            both.astype("str"), pd.concat([texts, other.astype("str")], ignore_index=True), check_names=False
        )


def test_frames_are_stacked_as_pandas_stacks_texts(rows: pd.DataFrame) -> None:
    frames = [rows, rows.drop(columns="hours")[:7], rows[:0], rows.drop(columns="person_id")[7:20]]
    expected = pd.concat(frames, ignore_index=True)
    coded = [frame.astype({name: "category" for name in ("person_id",) if name in frame}) for frame in frames]
    for mixed in (coded, [frames[0], *coded[1:]]):
        whole = distinct.stacked_rows(mixed)
        assert isinstance(whole["person_id"].dtype, pd.CategoricalDtype)
        pd.testing.assert_frame_equal(whole.astype({"person_id": "str"}), expected)


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
