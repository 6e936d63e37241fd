"""A network as a plan: what each layer puts out, and what it costs. Nothing is computed but sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cnndemo.errors import VisitorError


@dataclass(frozen=True)
class Layer:
    """One layer of a plan.

    Attributes:
        kind: "convolution", "pooling", "merge" or "dense".
        side, channels: of its output (side × side × channels); a dense layer has side 1.
        parameters: weights, biases and, where it is normalized, four numbers a channel, as Keras counts.
        multiply_adds: for one picture; of convolutions and dense layers.
        sees: side of the square of input pixels that one output depends on.
        jump: input pixels between neighbouring outputs.
        arithmetic: how the parameters come about.
        code: the layer in Keras, where layers simply follow one another.
        reads: places in the list of layers whose outputs it takes; -1 is the input.
        across: width of its output where that is not `side`; 0 where it is.
    """

    name: str
    kind: str
    side: int
    channels: int
    parameters: int
    multiply_adds: int
    sees: int
    jump: int
    arithmetic: str = ""
    code: str = ""
    reads: tuple[int, ...] = (-1,)
    across: int = 0

    @property
    def shape(self) -> str:
        is_row = self.kind == "dense" and self.side == 1
        return f"{self.channels:,}" if is_row else f"{self.side} × {self.across or self.side} × {self.channels:,}"


@dataclass
class Plan:
    """Walks through a network layer by layer and keeps account.

    Attributes:
        side, channels: what the last layer put out; at first the input, square.
        sees, jump: its receptive field and the distance of its neighbours, in input pixels.
        layers: what has been passed.
        input_side, input_channels: of the input, kept.
        last: place of the layer whose output this is; -1 is the input.
    """

    side: int
    channels: int
    sees: int = 1
    jump: int = 1
    layers: list[Layer] = field(default_factory=list)
    input_side: int = 0
    input_channels: int = 0
    last: int = -1

    def __post_init__(self) -> None:
        self.input_side, self.input_channels = self.input_side or self.side, self.input_channels or self.channels

    def _add(
        self, name: str, kind: str, parameters: int = 0, multiply_adds: int = 0, arithmetic: str = "", code: str = "",
        others: Sequence[int] = (),
    ) -> None:  # fmt: skip
        size = (self.side, self.channels, parameters, multiply_adds, self.sees, self.jump)
        self.layers.append(Layer(name, kind, *size, arithmetic, code, (self.last, *others)))
        self.last = len(self.layers) - 1

    def _slide(self, name: str, kernel: int, stride: int, padding: str | int) -> None:
        """What a window of this size leaves of the side; padding: "same", "valid" or pixels on each edge."""
        if padding == "same":
            self.side = -(-self.side // stride)
        else:
            room = self.side + 2 * (0 if padding == "valid" else int(padding)) - kernel
            if room < 0:
                raise VisitorError(
                    f"The maps are {self.side} × {self.side} before {name}, smaller than its window of {kernel} × "
                    f"{kernel}. Choose a larger input."
                )
            self.side = room // stride + 1
        self.sees += (kernel - 1) * self.jump
        self.jump *= stride

    def convolution(
        self, name: str, filters: int, kernel: int, stride: int = 1, padding: str | int = "same",
        bias: bool = True, normalized: bool = False, groups: int = 1,
    ) -> None:  # fmt: skip
        """A convolution of kernel × kernel, perhaps with batch normalization after it, perhaps in groups.

        Raises:
            VisitorError: the window is larger than the maps.
        """
        self._slide(name, kernel, stride, padding)
        seen = self.channels // groups
        weights = kernel * kernel * seen * filters
        words = f"{kernel} · {kernel} · {seen} · {filters}" + (f" + {filters}" if bias else "")
        self.channels = filters
        parameters = weights + filters * bias
        if normalized:
            parameters += 4 * filters
            words += f" + 4 · {filters}"
        options = f'{filters}, {kernel}, strides={stride}, padding="{padding}"' + (f", groups={groups}" * (groups > 1))
        code = f'layers.Conv2D({options}, activation="relu")'
        self._add(name, "convolution", parameters, weights * self.side**2, words, code)

    def normalization(self, name: str) -> None:
        """Batch normalization that does not follow a convolution: four numbers a channel."""
        self._add(name, "merge", 4 * self.channels, 0, f"4 · {self.channels}")

    def pooling(self, name: str, size: int, stride: int, padding: str | int = "valid") -> None:
        """Maximum or average pooling.

        Raises:
            VisitorError: the window is larger than the maps.
        """
        self._slide(name, size, stride, padding)
        self._add(name, "pooling", code=f'layers.MaxPooling2D({size}, strides={stride}, padding="{padding}")')

    def global_average(self, name: str = "average") -> None:
        """The mean of each map."""
        self.sees += (self.side - 1) * self.jump
        self.side = 1
        self._add(name, "pooling")

    def dense(self, name: str, units: int) -> None:
        """A dense layer on all values of the maps, laid out as one row."""
        self.sees += (self.side - 1) * self.jump
        inputs = self.side**2 * self.channels
        flatten = "layers.Flatten(),\n    " if self.layers and self.layers[-1].kind != "dense" else ""
        self.side, self.channels = 1, units
        words, code = f"{inputs:,} · {units:,} + {units:,}", f'{flatten}layers.Dense({units}, activation="relu")'
        self._add(name, "dense", inputs * units + units, inputs * units, words, code)

    def transposed(self, name: str, filters: int, size: int) -> None:
        """A transposed convolution of size × size whose stride is its size: the maps grow by that factor."""
        weights = size * size * self.channels * filters
        words = f"{size} · {size} · {self.channels} · {filters} + {filters}"
        multiply_adds = weights * self.side**2
        self.side, self.jump, self.channels = self.side * size, max(1, self.jump // size), filters
        self._add(name, "convolution", weights + filters, multiply_adds, words)

    def merge(self, name: str, channels: int, other: int) -> None:
        """An addition or concatenation with the output of another layer; afterwards there are so many channels."""
        self.channels = channels
        self.sees = max(self.sees, self.layers[other].sees)
        self._add(name, "merge", others=(other,))

    def beside(self, channels: int, side: int, jump: int) -> Plan:
        """A plan that begins where a shortcut leaves, and keeps the same account."""
        return Plan(side, channels, self.sees, jump, self.layers, self.input_side, self.input_channels, self.last)

    @property
    def parameters(self) -> int:
        return sum(layer.parameters for layer in self.layers)

    @property
    def multiply_adds(self) -> int:
        return sum(layer.multiply_adds for layer in self.layers)

    @property
    def megabytes(self) -> float:
        """Size of the parameters in float32."""
        return 4 * self.parameters / 1e6

    @property
    def heaviest(self) -> Layer:
        """The layer with most parameters."""
        return max(self.layers, key=lambda layer: layer.parameters)

    @property
    def busiest(self) -> Layer:
        """The layer with most multiply-adds."""
        return max(self.layers, key=lambda layer: layer.multiply_adds)

    @property
    def depth(self) -> int:
        """Convolutions and dense layers on the longest way: those of shortcuts do not count."""
        weighted = ("convolution", "dense")
        return sum(layer.kind in weighted and not layer.name.endswith("shortcut") for layer in self.layers)

    def keras_code(self) -> str:
        """The whole network in Keras, for one whose layers simply follow one another; else an empty text."""
        if any(layer.kind == "merge" for layer in self.layers):
            return ""
        shape = f"({self.input_side}, {self.input_side}, {self.input_channels})"
        lines = [f"keras.Input({shape})", *(layer.code for layer in self.layers)]
        lines[-1] = lines[-1].replace("relu", "softmax")
        body = "".join(f"    {line},\n" for line in lines)
        return f"import keras\nfrom keras import layers\n\nmodel = keras.Sequential([\n{body}])\nmodel.summary()\n"
