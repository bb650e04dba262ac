"""Saved models with something in them changed that no Keras writes: by who knows how it is read.

A mutant is a config, changed in one to three places, with weights that fit it if Keras makes a
model of it: so that what is loaded is loaded in full, and is another model.
"""

from __future__ import annotations

import copy
import io
import json
import signal
import warnings
import zipfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import h5py

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

Place = tuple[Any, Any]  # a list or an object, and a key of it


class Original(NamedTuple):
    """A saved model: its format, its config as an object, its bytes, and what Keras wrote it."""

    keras: str
    suffix: str
    config: Any
    data: bytes
    version: str


def models(keras: Any) -> Iterator[Any]:
    """Yield small models: nested, sequential, shared, in steps."""
    layers = keras.layers
    inputs = x = keras.Input((6, 6, 4))
    x = layers.BatchNormalization()(layers.Conv2D(5, 3, padding="same")(x))
    s = layers.GlobalAveragePooling2D(keepdims=True)(x)
    s = layers.Dense(5, activation="sigmoid")(layers.Dense(2, activation="relu")(s))
    yield keras.Model(inputs, layers.Dense(3)(layers.Flatten()(layers.Multiply()([x, s]))))

    yield keras.Sequential([keras.Input((6,)), layers.Dense(4), layers.ReLU(), layers.Dense(3)])

    inside = keras.Input((4,))
    inner = keras.Model(inside, layers.Dense(4)(layers.LayerNormalization()(inside)), name="inner")
    row = keras.Sequential([keras.Input((4,)), layers.Dense(4, name="in_row")], name="row")
    inputs = keras.Input((4,))
    dense = layers.Dense(4)
    x = inner(dense(dense(inputs)))
    yield keras.Model(inputs, [layers.Add()([inner(x), row(x)]), layers.Dense(2)(x)])

    inputs = keras.Input((3, 4))
    x = layers.TimeDistributed(inner)(layers.TimeDistributed(layers.Dense(4))(inputs))
    if keras.__name__ == "keras":  # in Keras 2 it takes a second to make one
        x = layers.Bidirectional(layers.GRU(2, return_sequences=True))(x)
    yield keras.Model(inputs, layers.Embedding(9, 2)(layers.Flatten()(x)))


def originals(name: str, keras: Any, folder: Path) -> Iterator[Original]:
    """Yield the models in all formats."""
    for model in models(keras):
        for suffix in (".keras", ".h5", ".json"):
            path = folder / f"original{suffix}"
            if suffix == ".json":
                path.write_text(model.to_json(), encoding="utf-8")
            else:
                model.save(path)
            yield Original(name, suffix, config_of(path), path.read_bytes(), keras.__version__)


def config_of(path: Path) -> Any:
    if path.suffix == ".keras":
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read("config.json"))
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            text = file.attrs["model_config"]
            return json.loads(text if isinstance(text, str) else text.decode())
    return json.loads(path.read_text(encoding="utf-8"))


# What is changed.


def places(value: Any) -> list[Place]:
    """Return every place in a config."""
    found: list[Place] = []
    stack = [value]
    while stack:
        place = stack.pop()
        for key in place if isinstance(place, dict) else range(len(place)):
            found.append((place, key))
            if isinstance(place[key], (dict, list)):
                stack.append(place[key])
    return found


def objects(config: Any) -> list[dict[str, Any]]:
    """Return everything that has a class."""
    found = [place[key] for place, key in places({"": config})]
    return [each for each in found if isinstance(each, dict) and "class_name" in each]


def parts(config: Any) -> list[dict[str, Any]]:
    """Return the layers and models."""
    return [
        each
        for each in objects(config)
        if isinstance(each.get("config"), dict)
        and ("inbound_nodes" in each or each["config"].keys() & {"name", "layers"})
    ]


def containers(config: Any) -> list[dict[str, Any]]:
    """Return the configs of models."""
    return [each["config"] for each in parts(config) if "layers" in each["config"]]


def share(config: Any, drawn: random.Random) -> None:
    """Give two things one id."""
    identity = drawn.choice([1, 7])
    for each in drawn.sample(parts(config), 2):
        each["shared_object_id"] = identity


def share_copy(config: Any, drawn: random.Random) -> None:
    """Give two layers one id, and one name."""
    one, other = drawn.sample(parts(config), 2)
    one["shared_object_id"] = other["shared_object_id"] = 7
    other["class_name"] = one["class_name"]


def hide(config: Any, drawn: random.Random) -> None:
    """Put a layer, under the id of another one, where no layer is looked for."""
    one, other = drawn.sample(parts(config), 2)
    hidden = copy.deepcopy(one)
    if "units" in hidden["config"]:
        hidden["config"]["units"] += 3
    one["shared_object_id"] = hidden["shared_object_id"] = 7
    other["config"][drawn.choice(["kernel_initializer", "activation", "bias_regularizer"])] = hidden


def rename(config: Any, drawn: random.Random) -> None:
    """Let a layer have another name in one place."""
    each = drawn.choice(parts(config))
    names = [part["config"].get("name") for part in parts(config)]
    target = each if "name" in each and drawn.random() < 0.5 else each["config"]
    target["name"] = drawn.choice([*names, "other"])


def reclass(config: Any, drawn: random.Random) -> str:
    """Let a thing be of another class, by one of the keys that say it."""
    each = drawn.choice(objects(config))
    key = drawn.choice(["class_name", "class_name", "registered_name", "module"])
    before = each.get(key)
    each[key] = drawn.choice(
        {
            "class_name": ["Functional", "Sequential", "Model", "Dense", "ReLU", "Add", "Mine"],
            "registered_name": [None, "Dense", "mine>Dense", "Functional"],
            "module": [None, "keras", "keras.layers", "keras.src.ops.numpy", "keras.ops", "mine"],
        }[key]
    )
    return f"{each.get('class_name')} {key}: {before} → {each[key]}"


def reshape(config: Any, drawn: random.Random) -> None:
    """Note a shape where one may be noted."""
    each = drawn.choice(parts(config))
    shape = [None, *drawn.choice([[4], [6], [9], [3, 4], [6, 6, 4], [6, 6, 1]])]
    match drawn.randrange(4):
        case 0:
            each["build_config"] = {"input_shape": shape}
        case 1:
            each["build_config"] = {"shapes_dict": {"input_shape": shape}}
        case _:
            key = drawn.choice(
                ["batch_shape", "batch_input_shape", "build_input_shape", "input_shape", "shape"]
            )
            each["config"][key] = shape[1:] if key in ("input_shape", "shape") else shape


def rewire(config: Any, drawn: random.Random) -> None:
    """Let a tensor come from another call or output."""
    found = [
        place
        for place, _ in places(config)
        if isinstance(place, list)
        and len(place) in (3, 4)
        and isinstance(place[0], str)
        and isinstance(place[1], int)
    ]
    if found:
        reference = drawn.choice(found)
        reference[drawn.choice([1, 1, 2])] = drawn.choice([-1, 0, 1, 2, True, 1.0])


def reorder(config: Any, drawn: random.Random) -> None:
    """Change the order of layers, or of calls."""
    lists = [
        place[key]
        for place, key in places(config)
        if key in ("layers", "inbound_nodes", "input_layers", "output_layers")
        and isinstance(place[key], list)
    ]
    drawn.shuffle(drawn.choice(lists))


def copy_layer(config: Any, drawn: random.Random) -> None:
    """Add a layer once more, under another name or the same."""
    layers = drawn.choice(containers(config))["layers"]
    one = copy.deepcopy(drawn.choice(layers))
    if drawn.random() < 0.8:
        one["config"]["name"] = "once_more"
        if "name" in one:
            one["name"] = "once_more"
    if drawn.random() < 0.5:
        one["inbound_nodes"] = []
    layers.insert(drawn.randrange(len(layers) + 1), one)


def drop_layer(config: Any, drawn: random.Random) -> None:
    layers = drawn.choice(containers(config))["layers"]
    del layers[drawn.randrange(len(layers))]


def resize(config: Any, drawn: random.Random) -> None:
    """Change a number."""
    kind = drawn.choice([dict, dict, list])
    numbers = [(p, k) for p, k in places(config) if type(p[k]) is int and isinstance(p, kind)]
    if numbers:
        place, key = drawn.choice(numbers)
        place[key] = drawn.choice([0, 1, 2, 3, 5, 100, -1, 2.0, "3", True, None])


def flip(config: Any, drawn: random.Random) -> None:
    """Change a flag, to what may be taken for one."""
    flags = [(p, k) for p, k in places(config) if type(p[k]) is bool]
    if flags:
        place, key = drawn.choice(flags)
        place[key] = drawn.choice([not place[key], 0, 1, "false", "", None])


def wrap(config: Any, drawn: random.Random) -> None:
    """Spell a list as a tuple."""
    lists = [(p, k) for p, k in places(config) if isinstance(p[k], list)]
    place, key = drawn.choice(lists)
    kind = drawn.choice(["__tuple__", "TensorShape"])
    place[key] = {"class_name": kind, "items": place[key]}


def remove(config: Any, drawn: random.Random) -> None:
    """Leave a key out."""
    keys = [(p, k) for p, k in places(config) if isinstance(p, dict)]
    place, key = drawn.choice(keys)
    del place[key]


def transplant(config: Any, drawn: random.Random) -> None:
    """Put what stands in one place in another one, too."""
    (source, key), (place, other) = drawn.sample(places(config), 2)
    place[other] = copy.deepcopy(source[key])


def give(config: Any, drawn: random.Random) -> None:
    """Give a layer an argument that others have."""
    one, other = drawn.sample(parts(config), 2)
    key = drawn.choice(list(one["config"]) or ["units"])
    other["config"][key] = copy.deepcopy(one["config"].get(key))


def noted(config: Any, drawn: random.Random) -> None:
    """Note other shapes for tensors."""
    for each in objects(config):
        if each["class_name"] == "__keras_tensor__" and drawn.random() < 0.5:
            each["config"]["shape"][-1] = drawn.choice([1, 9, 100])


# What of one layer is changed that its constructor may not take.


def own(config: Any, drawn: random.Random) -> dict[str, Any]:
    """Return what a layer is made with."""
    made: dict[str, Any] = drawn.choice(parts(config))["config"]
    return made


def misspell(config: Any, drawn: random.Random) -> str:
    """Give a layer an argument that no layer has, in place of one of its own or beside them."""
    place = own(config, drawn)
    key = drawn.choice(list(place))
    wrong = drawn.choice([f"{key}s", key[:-1], *NO_ARGUMENTS])
    place[wrong] = place.pop(key) if drawn.random() < 0.5 else drawn.choice([place.get(key), None])
    return f"{key} → {wrong}"


def retype(config: Any, drawn: random.Random) -> str:
    """Give an argument a value of another type, or a name that nothing has."""
    place = own(config, drawn)
    key = drawn.choice(list(place))
    before = place[key]
    place[key] = copy.deepcopy(drawn.choice(ODD_VALUES))
    return f"{key}: {before} → {place[key]}"


def redtype(config: Any, drawn: random.Random) -> str:
    """Give a layer a type of number that there is not, or a policy."""
    place = own(config, drawn)
    policy: dict[str, Any] = {"class_name": "DTypePolicy", "module": "keras"}
    policy["config"] = {"name": "float32"}
    match drawn.randrange(6):
        case 0:
            policy["class_name"] = drawn.choice(["Policy", "QuantizedDTypePolicy", "Nothing"])
        case 1:
            policy["config"] = drawn.choice(
                [{}, {"name": None}, {"name": 3}, {"mode": "int8"}, {"name": "float32", "x": 1}]
            )
        case 2:
            policy["config"]["name"] = drawn.choice(TYPES)
        case 3:
            policy["module"] = drawn.choice(["keras.dtype_policies", None, "mine", "keras.layers"])
        case 4:
            policy["registered_name"] = drawn.choice([None, "DTypePolicy", "mine>Policy"])
        case 5:
            del policy[drawn.choice(list(policy))]
    place["dtype"] = drawn.choice([policy, drawn.choice(TYPES)])
    return str(place["dtype"])


NO_ARGUMENTS = ["unitss", "my_initializer", "foo_constraint", "x_regularizer", "dynamic"]
NO_ARGUMENTS += ["batch_input_shape", "build_input_shape", "dtype_policy", "autocast"]
ODD_VALUES: list[Any] = [None, True, 0, -1, 3, 0.5, "x", "", [], [1], [2, 3], [1, 2, 3, 4, 5, 6, 7]]
ODD_VALUES += [{}, {"class_name": "Nothing", "config": {}}, ["a"], [None], [0], [[1, 2]], 1e9, -0.5]
TYPES = ["float", "float31", "mixed_float16", "mixed_float8", "int8", "int8_from_float32", "half"]
TYPES += ["double", "", 3, None, True, "string", "bool", "bfloat16", "float8_e4m3fn", "complex64"]
TYPES += ["int4_from_float32", "uint4", "FLOAT32", "_infer", [], ["float32"]]


def drop(config: Any, drawn: random.Random) -> str:
    """Leave an argument out."""
    place = own(config, drawn)
    key = drawn.choice(list(place))
    del place[key]
    return str(key)


CHANGES = (
    share,
    share_copy,
    hide,
    rename,
    reclass,
    reshape,
    rewire,
    reorder,
    copy_layer,
    drop_layer,
    resize,
    flip,
    wrap,
    noted,
    remove,
    transplant,
    give,
)


def changed(config: Any, drawn: random.Random) -> tuple[Any, list[str]]:
    """Return a config with one to three changes, and what they are."""
    config = copy.deepcopy(config)
    made = []
    for _ in range(drawn.choice([1, 1, 1, 2, 3])):
        change = drawn.choice(CHANGES)
        try:
            change(config, drawn)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            continue
        made.append(change.__name__)
    return config, made


def doubled(config: Any, drawn: random.Random) -> str:
    """Return a config's text with a key of it twice, the second time with another value."""
    keys = [(p, k) for p, k in places(config) if isinstance(p, dict)]
    place, key = drawn.choice(keys)
    value, place[key] = place[key], "@"
    other = drawn.choice([value, None, 3, [], {}, "x"])
    pair = [json.dumps(value), json.dumps(other)]
    drawn.shuffle(pair)
    text = json.dumps(config).replace('"@"', f"{pair[0]}, {json.dumps(key)}: {pair[1]}", 1)
    place[key] = value
    return text


@contextmanager
def bounded(seconds: float = 20) -> Iterator[None]:
    """Raise TimeoutError after a while: Keras 2 waits for ever for a call that is never made."""

    def stop(*_: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# How it is packed.


def packed(original: Original, text: str, weights: bytes | None) -> bytes:
    """Return a file of the original's format with this config; None leaves it its weights."""
    if original.suffix == ".json":
        return text.encode()
    stream = io.BytesIO(original.data)
    if original.suffix == ".h5":
        if weights is not None:
            stream = io.BytesIO(weights)
        with h5py.File(stream, "r+") as file:
            file.attrs["model_config"] = text
        return stream.getvalue()
    with zipfile.ZipFile(stream) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["config.json"] = text.encode()
    members["model.weights.h5"] = weights or members["model.weights.h5"]
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return made.getvalue()


def fitting(original: Original, keras: Any, text: str, folder: Path) -> bytes | None:
    """Return weights for what Keras makes of a config, None where it makes nothing of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with bounded():
                return _fitting(original, keras, text, folder)
        except Exception:
            return None


def _fitting(original: Original, keras: Any, text: str, folder: Path) -> bytes | None:
    config = json.loads(text)
    lib = keras.src.saving.serialization_lib
    path = folder / "fitting.weights.h5"
    if original.suffix == ".keras":
        with lib.ObjectSharingScope():
            model = lib.deserialize_keras_object(config)
        model.save_weights(path)
        return path.read_bytes()
    if original.suffix == ".h5":
        stream = io.BytesIO()
        with h5py.File(stream, "w") as file:
            file.attrs["keras_version"] = original.version
            group = file.create_group("model_weights")
            if original.keras == "keras":
                from keras.src.legacy.saving import legacy_h5_format as format
                from keras.src.legacy.saving import saving_utils
                from keras.src.saving.saving_lib import saving_options

                with saving_options.keras_option_scope(use_legacy_config=True):
                    model = saving_utils.model_from_config(json_decoded(text))
                format.save_weights_to_hdf5_group(group, model)
            else:
                from tf_keras.src.saving.legacy import hdf5_format, model_config, serialization

                with serialization.SharedObjectLoadingScope():
                    model = model_config.model_from_config(json_decoded(text, original.keras))
                hdf5_format.save_weights_to_hdf5_group(group, model)
        return stream.getvalue()
    return None


def json_decoded(text: str, name: str = "keras") -> Any:
    if name == "keras":
        from keras.src.legacy.saving import json_utils
    else:
        from tf_keras.src.saving.legacy.saved_model import json_utils
    return json_utils.decode(text)
