"""Figures that skip Plotly's checks must pass them all the same."""

import numpy as np
import plotly.graph_objects as go
import pytest

from cnndemo import convolution
from cnndemo.convolution import figures as slides
from cnndemo.figures import grids
from cnndemo.figures.plain import still
from cnndemo.grids import read_out
from cnndemo.palette import INPUT
from cnndemo.upsampling import figures as enlargements

X = np.array([[1.0, -2.0, np.nan], [-np.inf, 0.5, 3.0]])
FIGURES = {
    "cells": lambda: grids.cells(X, "Input", INPUT, [grids.Outline([(0, 1)])], X > 2, (0, 0, 1, 1)),
    "many cells": lambda: grids.cells(np.ones((20, 20)), "Input", INPUT, square=False),
    "slide": lambda: slides.slide(convolution.BOOK_F, convolution.BOOK_G, 0.5, True),
    "large": lambda: enlargements.large(np.ones((4, 4)), "Nearest", (0, 1), (1, 2)),
    "counts": lambda: enlargements.counts(np.zeros((4, 4)), "Kernel 3"),
}


@pytest.mark.parametrize("name", FIGURES)
def test_plotly_finds_nothing_to_complain_about(name):
    checked = go.Figure(FIGURES[name]().to_dict())
    assert len(checked.data) >= 1 and checked.layout.template.layout.colorway


def test_frames_change_what_they_should():
    figure = go.Figure(FIGURES["slide"]().to_dict())
    assert len(figure.frames) > 20
    for frame in figure.frames:
        assert len(frame.data) == len(frame.traces) == 3
        area, at = frame.data[2].y[0], frame.data[2].x[0]
        assert area == pytest.approx(convolution.overlap(convolution.BOOK_F, convolution.BOOK_G, at)["area"], abs=1e-3)


def test_empty_and_infinite_cells_are_drawn_empty():
    heat = grids.cells(X, "Input", INPUT).to_dict()["data"][0]
    assert heat["z"][0][2] is None and heat["z"][1][0] is None
    assert heat["text"][1][0] == "−∞" and heat["text"][0][1] == "−2"


def test_a_still_figure_has_all_but_its_player():
    moving = FIGURES["slide"]()
    drawn = still(moving).to_dict()
    assert moving.to_dict()["frames"] and "frames" not in drawn and "updatemenus" not in drawn["layout"]
    assert drawn["data"] == moving.to_dict()["data"]
    assert still(FIGURES["large"]()).to_dict() == FIGURES["large"]().to_dict()


def test_a_grid_is_read_out_by_its_numbers_or_its_range():
    assert read_out(X) == "1 −2 empty; empty 0.5 3"
    assert read_out(X, most=5) == "2 by 3 numbers from −2 to 3"
    assert read_out(np.array([1.0, 2.0])) == "1 2"
