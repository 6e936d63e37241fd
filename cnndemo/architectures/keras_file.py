"""A visitor's `.keras` file: checked before Keras sees it, then read and run in the Keras process.

Opening a `.keras` file builds whatever its description names. In 2025 that was enough, four times over, to run code of
the file's author in spite of `safe_mode`: any function by its module (CVE-2025-1550), functions of Keras itself that
fetch or write files (CVE-2025-8747), the older HDF5 format, which knows no safe mode (CVE-2025-9905), and a call that
switches it off (CVE-2025-9906). So only names on a list get through here, and Keras is given a file made anew of its
description and its weights.
"""

from __future__ import annotations

import io
import json
import math
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cnndemo.architectures import reading
from cnndemo.architectures.reading import Account, Own, Source
from cnndemo.class_folders import readable
from cnndemo.errors import VisitorError

MOST_UNPACKED = 120_000_000  # bytes
MOST_TEXT = 5_000_000  # bytes of the description
SHOWN = 40  # letters of a name in it that are said
CONFIG, WEIGHTS, METADATA = "config.json", "model.weights.h5", "metadata.json"

#: Layers that may be named: those that compute on numbers alone, and keep no code, files or vocabularies.
_LAYERS = """
    Activation Add AlphaDropout Average AveragePooling1D AveragePooling2D AveragePooling3D BatchNormalization
    CenterCrop Concatenate Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose Cropping1D
    Cropping2D Cropping3D Dense DepthwiseConv1D DepthwiseConv2D Dot Dropout ELU Embedding Flatten GaussianDropout
    GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalMaxPooling1D
    GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization Identity InputLayer LayerNormalization LeakyReLU
    MaxPooling1D MaxPooling2D MaxPooling3D Maximum Minimum Multiply MultiHeadAttention Normalization PReLU Permute
    RMSNormalization ReLU RandomBrightness RandomContrast RandomCrop RandomFlip RandomRotation RandomTranslation
    RandomZoom RepeatVector Rescaling Reshape Resizing SeparableConv1D SeparableConv2D Softmax SpatialDropout1D
    SpatialDropout2D SpatialDropout3D Subtract UnitNormalization UpSampling1D UpSampling2D UpSampling3D
    ZeroPadding1D ZeroPadding2D ZeroPadding3D
"""
LAYERS = frozenset(_LAYERS.split())
_ACTIVATIONS = """
    celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu linear
    log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus
    sparsemax squareplus swish tanh tanh_shrink threshold
"""
ACTIVATIONS = frozenset(_ACTIVATIONS.split())
POLICIES = frozenset({"DTypePolicy", "FloatDTypePolicy"})
MODELS = {"keras": {"Sequential", "Functional", "Model"}, "keras.models": {"Sequential", "Functional", "Model"},
          "keras.src.models.functional": {"Functional"}, "keras.src.models.sequential": {"Sequential"}}  # fmt: skip
#: Modules of which each name may be used: they hold nothing but settings of layers.
SETTINGS = frozenset({"keras.initializers", "keras.regularizers", "keras.constraints"})
#: Arithmetic on tensors, which Keras writes down where a network computes outside of layers, as in `x + y`.
ARITHMETIC = frozenset({"keras.src.ops.numpy", "keras.src.ops.nn"})
CODE_FREE = frozenset({"__keras_tensor__", "__tensor__", "__numpy__", "__ellipsis__", "__slice__"})
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def checked(data: bytes) -> dict:
    """The description of a network in a `.keras` file, with nothing in it but known names.

    Keras is not asked, and no weights are unpacked.

    Raises:
        VisitorError: not a `.keras` file, damaged, too large when unpacked, or with anything that is not on the list.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
            if not {CONFIG, WEIGHTS} <= sizes.keys():
                raise VisitorError(
                    "This is no .keras file: it lacks the network’s description or its weights. The older .h5 format "
                    "is not opened, since it may hold program code. Save it anew: model.save(“name.keras”)."
                )
            if sum(entry.file_size for entry in archive.infolist()) > MOST_UNPACKED or sizes[CONFIG] > MOST_TEXT:
                raise VisitorError(
                    f"This file unpacks to more than {MOST_UNPACKED // 1_000_000} MB, or its description to more than "
                    f"{MOST_TEXT // 1_000_000} MB, so it is not opened."
                )
            config = _plain(json.loads(archive.read(CONFIG)))
        for entry in _objects(config):
            _known(entry)
    except VisitorError:
        raise
    except Exception:  # a hostile archive can fail anywhere in zipfile or json
        raise VisitorError("This is no .keras file, or it is damaged.") from None
    if not isinstance(config, dict) or config.get("class_name") not in ("Sequential", "Functional"):
        raise VisitorError("This network is of a class of its own; only Sequential and functional ones are opened.")
    return config


def write_anew(data: bytes, folder: Path) -> Path:
    """A `.keras` file of nothing but the checked description and the weights of one that was brought.

    Raises:
        VisitorError: as `checked`; or its weights lie in other files, or are damaged or far too many.
    """
    config, file, arrays = checked(data), folder / "model.keras", folder / WEIGHTS
    try:
        with (
            zipfile.ZipFile(io.BytesIO(data)) as archive,
            archive.open(WEIGHTS) as source,
            open(arrays, "wb") as target,
        ):
            shutil.copyfileobj(source, target)
    except Exception:
        raise VisitorError("This .keras file is damaged.") from None
    _weigh(arrays)
    with zipfile.ZipFile(file, "w") as clean:
        clean.writestr(CONFIG, json.dumps(config))
        clean.writestr(METADATA, json.dumps({"keras_version": "3"}))
        clean.write(arrays, WEIGHTS)
    arrays.unlink()
    return file


def _plain(config):
    """The description without how the network was trained: losses and metrics may be anybody's, and none is needed."""
    if isinstance(config, dict):
        return {key: _plain(value) for key, value in config.items() if key != "compile_config"}
    return [_plain(value) for value in config] if isinstance(config, list) else config


def _objects(config) -> Iterator[dict]:
    """Everything in a description that Keras would build; what holds others comes before them."""
    rest = [config]
    while rest:
        value = rest.pop()
        if isinstance(value, dict):
            if "class_name" in value or "registered_name" in value or "spec_name" in value:
                yield value
            rest += value.values()
        elif isinstance(value, list):
            rest += value


def _known(entry: dict) -> None:
    """Passes an object whose class is on the list.

    Raises:
        VisitorError: a Lambda layer, a class of somebody's own, or one that reads files or runs code.
    """
    name, module, registered = entry.get("class_name"), entry.get("module"), entry.get("registered_name")
    if name in ("Lambda", "__lambda__"):
        raise VisitorError(
            "This network has a Lambda: program code of its author, which would run on this server. It is not opened. "
            "Put one of Keras’ own layers in its place."
        )
    words = readable(str(name), SHOWN)
    if not isinstance(name, str) or not (name in CODE_FREE or NAME.fullmatch(name)):
        raise VisitorError(f"This network names something that is no class, “{words}”. It is not opened.")
    if registered not in (None, name) and not (name == "function" and isinstance(registered, str)):
        raise VisitorError(
            f"This network has a class of its author’s own, “{readable(str(registered), SHOWN)}”, whose program is not "
            "here. It is not opened."
        )
    if name in CODE_FREE and module in (None, "builtins"):
        return
    if name == "function":
        called = entry.get("config")
        if called in ACTIVATIONS and module in ("builtins", "keras.activations", "keras.ops") and registered in (
            "function", called, None
        ):  # fmt: skip
            return
        raise VisitorError(
            f"This network calls a function, “{readable(str(called), SHOWN)}”, that is none of Keras’ activations."
        )
    allowed = (
        (module == "keras.layers" and name in LAYERS)
        or name in MODELS.get(str(module), ())
        or (module in ("keras", "keras.dtype_policies", "keras.mixed_precision") and name in POLICIES)
        or (module in SETTINGS and name[0].isupper())
        or (module in ARITHMETIC and name[0].isupper())
    )
    if not allowed:
        raise VisitorError(
            f"This network has a part, “{words}” of {readable(str(module), SHOWN)}, that is not among those opened "
            "here: it may read files, run code, or be its author’s own."
        )


def look(data: bytes, picture: np.ndarray, scale: str) -> Own:
    """What there is to say of a network, and its answer for a picture; in the Keras process.

    Args:
        data: of the file.
        picture: uint8 (height, width, 3).
        scale: a key of `reading.SCALES`.

    Raises:
        VisitorError: Keras cannot open it.
    """
    model = _opened(data)
    tensor = model.inputs[0]
    shape = [reading.FREE_SIDE if size is None else size for size in tensor.shape[1:]]
    notes = []
    if None in tensor.shape[1:]:
        notes.append(f"Its input may have any size; here it is {reading.FREE_SIDE} pixels.")
    source = Source(shape[0], shape[1], shape[2]) if len(shape) == 3 and shape[2] in (1, 3) else None
    if source is None and math.prod(shape) > 3 * reading.LARGEST_SIDE**2:
        raise VisitorError("Its input has more numbers than are computed here.")
    batch = source.batch(picture, scale) if source else np.zeros((1, *shape), "float32")
    others = [
        np.ones([1, *(size or reading.FREE_SIDE for size in each.shape[1:])], "float32") for each in model.inputs[1:]
    ]
    account, values, answer = _followed(model, [batch, *others], shape)
    takes = " × ".join(str(size or "?") for size in tensor.shape)
    gives = " × ".join(str(size or "?") for size in model.outputs[0].shape)
    told = "Keras", tuple(account.layers), source, takes, gives, tuple(notes)
    if source is None:
        return Own(*told)
    return Own(*told, reading.shown_answer(answer), tuple(reading.shown_maps(each) for each in values))


def _opened(data: bytes):
    """The `keras.Model` of a file.

    Raises:
        VisitorError: as `write_anew`, or Keras cannot build it.
    """
    import keras

    with tempfile.TemporaryDirectory() as folder:
        file = write_anew(data, Path(folder))
        try:
            model = keras.models.load_model(file, compile=False, safe_mode=True)
            _ = model.inputs[0], model.outputs[0]  # a chain without layers has neither
            return model
        except Exception as error:  # of whatever layer
            raise VisitorError(f"Keras cannot open this network: {readable(str(error), 160)}") from None


def _weigh(file: Path) -> None:
    """Refuses weights that lie in other files, or that claim to be more than a file may unpack to."""
    import h5py

    found, links = [], []
    try:
        with h5py.File(file, "r") as arrays:
            arrays.visititems_links(lambda name, link: links.append(link))
            arrays.visititems(lambda name, item: found.append(item) if isinstance(item, h5py.Dataset) else None)
            elsewhere = any(item.external or item.is_virtual for item in found) or not all(
                isinstance(link, h5py.HardLink) for link in links
            )
            size = sum(math.prod(item.shape) * item.dtype.itemsize for item in found)
    except Exception:
        raise VisitorError("The weights in this file are damaged.") from None
    if elsewhere:
        raise VisitorError("This network’s weights point into other files, which are not opened.")
    if size > MOST_UNPACKED:
        most = MOST_UNPACKED // 1_000_000
        raise VisitorError(f"This network’s weights claim {size / 1e6:,.0f} MB; at most {most} are opened.")


def _followed(model, inputs: list[np.ndarray], shape: list[int]) -> tuple[Account, list, np.ndarray]:
    """Runs a network once and watches: its layers, the maps of each, and its answer."""
    import keras

    account, values = Account(shape), []
    home: dict[int, int] = {}  # id of a tensor -> the layer that put it out
    makers: dict[int, object] = {}  # id of a tensor -> the operation that made it
    kept = []  # tensors stay, so that no other gets the id of one

    def watch(operation):
        call = operation.call

        def watched(*arguments, **more):
            result = call(*arguments, **more)
            given = [each for each in keras.tree.flatten((arguments, more)) if id(each) in home]
            reads = [home[id(each)] for each in given] or [len(account.layers) - 1]
            put_out = keras.tree.flatten(result)
            alone = len(given) == 1 and len(getattr(makers.get(id(given[0])), "_outbound_nodes", ())) == 1
            place = _add(account, operation, reads, given, put_out[0], alone)
            array = keras.ops.convert_to_numpy(put_out[0])
            array = array[0] if array.ndim == 4 else None
            if place == len(values):
                values.append(array)
            elif array is not None and place >= 0 and _bends(operation):
                values[place] = array
            for each in put_out:
                home[id(each)], makers[id(each)] = place, operation
            kept.extend(put_out)
            return result

        object.__setattr__(operation, "call", watched)

    for operation in _leaves(model):
        watch(operation)
    tensors = [keras.ops.convert_to_tensor(each) for each in inputs]
    home.update({id(each): -1 for each in tensors})
    kept.extend(tensors)
    try:
        result = model(tensors if len(tensors) > 1 else tensors[0], training=False)
    except VisitorError:
        raise
    except Exception as error:
        raise VisitorError(f"Keras cannot run this network: {readable(str(error), 160)}") from None
    return account, values, np.asarray(keras.ops.convert_to_numpy(keras.tree.flatten(result)[0]))


def _leaves(model) -> Iterator:
    """All layers and operations of a network, those of networks within it too, each once."""
    import keras

    seen = set()

    def walk(operations):
        for operation in operations:
            if id(operation) in seen or isinstance(operation, keras.layers.InputLayer):
                continue
            seen.add(id(operation))
            if isinstance(operation, keras.Model):
                yield from walk(operation.layers if isinstance(operation, keras.Sequential) else operation.operations)
            else:
                yield operation

    yield from walk(model.layers if isinstance(model, keras.Sequential) else model.operations)


_PASSING = ("Dropout", "SpatialDropout", "GaussianNoise", "GaussianDropout", "AlphaDropout", "Identity", "Flatten",
            "Reshape", "Permute", "ZeroPadding", "Cropping", "Random", "ActivityRegularization", "GetItem")  # fmt: skip
_BENDING = ("Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax", "BatchNormalization", "LayerNormalization",
            "GroupNormalization", "RMSNormalization", "UnitNormalization", "Rescaling", "Normalization")  # fmt: skip


def _bends(operation) -> bool:
    return type(operation).__name__ in _BENDING


def _add(account: Account, operation, reads: list[int], given: list, output, alone: bool) -> int:
    """What a layer is to the account; the place of the layer that it is, or is a part of.

    `alone` says that nobody else reads what it reads.
    """
    name, shape = type(operation).__name__, tuple(output.shape[1:])
    parameters = (
        int(operation.count_params())
        if getattr(operation, "built", False) and hasattr(operation, "count_params")
        else 0
    )
    if name.startswith(_PASSING):
        return reads[0]
    if _bends(operation) and alone and reads[0] >= 0:
        return account.absorb(reads[0], name, parameters)
    elements = math.prod(shape[:-1]) if len(shape) == 3 else 1
    weights = [math.prod(each.shape) for each in getattr(operation, "weights", [])]
    window = _side(getattr(operation, "kernel_size", getattr(operation, "pool_size", 1)))
    window = 1 + (window - 1) * _side(getattr(operation, "dilation_rate", 1))
    stride = _side(getattr(operation, "strides", 1))
    options: dict = {}
    if name.startswith("Conv") and name.endswith("Transpose"):
        before = math.prod(given[0].shape[1:-1]) if given else 1
        options = {"window": max(1, -(-window // stride)), "grows": stride, "multiply_adds": weights[0] * before}
        kind = "convolution"
    elif "Conv" in name:
        kernels = sum(weights[:2]) if name.startswith("Separable") else weights[0]
        kind, options = "convolution", {"window": window, "stride": stride, "multiply_adds": kernels * elements}
    elif name == "Dense":
        rows = math.prod(shape[:-1])
        kind, options = "dense", {"everything": rows == 1, "multiply_adds": weights[0] * rows}
    elif name.startswith("Global") or name in ("Mean", "Max") and len(shape) < 3:
        kind, options = "pooling", {"everything": True}
    elif name.endswith(("Pooling2D", "Pooling1D", "Pooling3D")):
        kind, options = "pooling", {"window": window, "stride": stride}
    elif name.startswith("UpSampling"):
        kind, options = "pooling", {"grows": _side(operation.size)}
    else:
        kind = "merge" if len(set(reads)) > 1 else "other"
    return account.add(operation.name, kind, reads, shape, parameters, words=name, **options)


def _side(value) -> int:
    """The longer side of a window or step that Keras gives as a number or a pair."""
    return max(value) if isinstance(value, (tuple, list)) else int(value)
