"""Small durable state by (space, key)."""

from jinyun.store.kv import SqlKeyValue


def test_values_survive_and_spaces_are_apart(database):
    kv = SqlKeyValue(database)
    kv.set("gaps", "m1", {"from": 1, "list": [1, None, "汉"]})
    kv.set("queue", "m1", 7)
    kv.set_many("gaps", {"m1": {"from": 2}, "m0": []})
    again = SqlKeyValue(database)
    assert again.items("gaps") == {"m0": [], "m1": {"from": 2}}
    assert list(again.items("gaps")) == ["m0", "m1"]
    assert again.get("queue", "m1") == 7
    assert again.get("queue", "none") is None


def test_delete_and_a_copy_that_cannot_leak_back(database):
    kv = SqlKeyValue(database)
    kv.set("a", "k", {"n": [1]})
    kv.get("a", "k")["n"].append(2)
    assert kv.get("a", "k") == {"n": [1]}
    kv.delete("a", "k")
    kv.delete("a", "k")
    assert kv.items("a") == {} == SqlKeyValue(database).items("a")
