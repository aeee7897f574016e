"""The classifier: what it learns, keeps, and how far its probabilities can be trusted."""

from pathlib import Path

import pytest

linear = pytest.importorskip("havn_nlu.linear")
np = pytest.importorskip("numpy")
sparse = pytest.importorskip("scipy.sparse")


def _noisy(count: int, *, seed: int) -> tuple[object, list[str]]:
    """Three labels, each with its own column, and one label in five drawn by lot."""
    chance = np.random.default_rng(seed)
    truth = chance.integers(0, 3, count)
    shown = np.where(chance.random(count) < 0.2, chance.integers(0, 3, count), truth)
    noise = chance.random((count, 5)) * 0.1
    rows = sparse.csr_matrix(np.hstack([np.eye(3)[shown], noise]))
    return rows, [f"label {label}" for label in truth]


def _chances(model: object, row: object) -> object:
    return model.probabilities(row.indices, row.data)


def test_probabilities_sum_to_one_also_for_an_empty_row() -> None:
    model = linear.fit(*_noisy(300, seed=1), penalty=1.0)
    empty = sparse.csr_matrix((1, 8))
    assert _chances(model, empty).sum() == pytest.approx(1.0)
    assert _chances(model, empty).max() < 0.9


def test_probabilities_mean_what_they_say() -> None:
    model = linear.fit(*_noisy(2000, seed=1), penalty=1.0)
    rows, labels = _noisy(1000, seed=2)
    chances = np.array([_chances(model, row) for row in rows])
    right = np.array(model.labels)[chances.argmax(axis=1)] == np.array(labels)
    assert right.mean() > 0.8
    assert chances.max(axis=1).mean() == pytest.approx(right.mean(), abs=0.05)


def test_a_saved_model_answers_the_same(tmp_path: Path) -> None:
    rows, labels = _noisy(200, seed=3)
    model = linear.fit(rows, labels, penalty=1.0)
    model.save(tmp_path)
    again = linear.LinearModel.load(tmp_path)
    assert again.labels == model.labels
    assert np.array_equal(_chances(again, rows[0]), _chances(model, rows[0]))


def test_weights_lie_row_by_row() -> None:
    model = linear.fit(*_noisy(200, seed=3), penalty=1.0)
    assert model.weights.flags.c_contiguous
    assert model.weights.shape == (8, 3)


def test_two_labels_are_enough_and_one_is_not() -> None:
    rows = sparse.csr_matrix(np.eye(4))
    assert linear.fit(rows, ["a", "a", "b", "b"], penalty=1.0).labels == ("a", "b")
    with pytest.raises(ValueError, match="two labels"):
        linear.fit(rows, ["a"] * 4, penalty=1.0)


def test_no_thread_is_given_rows_that_the_solver_would_sort_in_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Columns come in the order of a text; to sort them in two threads at once would spoil them."""
    given: list[tuple[bool, object]] = []

    class Watched(linear.LinearSVC):  # type: ignore[misc]
        def fit(self, rows: object, labels: object) -> "Watched":
            given.append((rows.has_sorted_indices, rows.dtype))
            return super().fit(rows, labels)

    monkeypatch.setattr(linear, "LinearSVC", Watched)
    monkeypatch.setattr(linear, "_TOLERANCE", 0.001)
    rows = sparse.random(200, 30, density=0.3, format="csr", random_state=5, dtype=np.float32)
    labels = [f"label {number % 4}" for number in range(200)]
    mixed = sparse.csr_matrix((200, 30), dtype=np.float32)
    mixed.indptr = rows.indptr
    mixed.indices = np.concatenate([rows[row].indices[::-1] for row in range(200)])
    mixed.data = np.concatenate([rows[row].data[::-1] for row in range(200)])
    assert not mixed.has_sorted_indices
    model = linear.fit(mixed, labels, penalty=1.0)
    assert set(given) == {(True, np.dtype(np.float64))}
    wanted = linear.fit(rows, labels, penalty=1.0)
    # The two threads of the solver share one source of chance: it stops near enough to compare.
    assert np.allclose(model.weights, wanted.weights, atol=0.01)


def test_labels_taken_together_are_also_told_as_one() -> None:
    # Five kinds that share a weak sign, the seventh feature, and a sixth without it.
    kinds = sparse.csr_matrix(np.hstack([np.eye(6), np.array([[0.3]] * 5 + [[0.0]])]))
    rows, labels = sparse.vstack([kinds] * 20, format="csr"), [*"abcdef"] * 20
    plain = linear.fit(rows, labels, penalty=0.5, sharpness=5.0)
    joined = linear.fit(rows, labels, penalty=0.5, sharpness=5.0, together="abcde")
    assert (joined.weights[6, :5] > plain.weights[6, :5] + 0.1).all()
    assert (joined.bias[:5] > plain.bias[:5] + 0.1).all()
    assert np.array_equal(joined.weights[:, 5], plain.weights[:, 5])


def test_together_means_nothing_where_it_names_all_labels_or_none() -> None:
    rows, labels = _noisy(200, seed=3)
    plain, *others = (
        linear.fit(rows, labels, penalty=1.0, sharpness=5.0, together=together).weights
        for together in ((), {"of another fit"}, set(labels))
    )
    assert all(np.array_equal(plain, other) for other in others)
