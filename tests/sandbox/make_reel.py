"""Draw the video that the sandbox serves: a film reel turns beside a countdown, two seconds, silent.

    python tests/sandbox/make_reel.py [target]

The pictures are drawn here, so nobody's footage is in it; ffmpeg only encodes them. One thread and bit-exact
mode give the same file with the same version of ffmpeg.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from itertools import pairwise
from math import atan2, cos, hypot, pi, sin, tau
from pathlib import Path
from typing import NamedTuple

TARGET = Path(__file__).parents[2] / "core/src/reelway/sandbox/reel.mp4"

WIDTH, HEIGHT = 320, 180
FRAMES_PER_SECOND = 24
SECONDS = 2

Color = tuple[int, int, int]
Distance = Callable[[float, float], float]
"""How far a point is from a shape: negative inside, positive outside, in pixels."""

DUSK, EMBER = (22, 27, 58), (214, 96, 77)
FILM, HOLE = (14, 15, 26), (236, 226, 204)
STEEL, SHADE, CREAM = (198, 204, 220), (150, 158, 182), (250, 243, 224)


class Box(NamedTuple):
    """The part of the picture that a shape may touch."""

    left: int
    top: int
    right: int
    bottom: int

    def pixels(self) -> Iterator[tuple[int, int]]:
        """Go through the box row by row."""
        return ((x, y) for y in range(self.top, self.bottom) for x in range(self.left, self.right))


REEL_CENTER, REEL_RADIUS = (88.0, 90.0), 60.0
CLOCK_CENTER, CLOCK_RADIUS = (232.0, 90.0), 56.0
REEL_BOX = Box(26, 28, 150, 152)
CLOCK_BOX = Box(174, 32, 290, 148)
DIGIT_BOX = Box(204, 54, 262, 126)
STRIPS = (Box(0, 0, WIDTH, 20), Box(0, HEIGHT - 20, WIDTH, HEIGHT))
HOLE_SPACING = 20


def disc(center: tuple[float, float], radius: float) -> Distance:
    return lambda x, y: hypot(x - center[0], y - center[1]) - radius


def ring(center: tuple[float, float], radius: float, thickness: float) -> Distance:
    return lambda x, y: abs(hypot(x - center[0], y - center[1]) - radius) - thickness / 2


def stroke(points: list[tuple[float, float]], thickness: float) -> Distance:
    """Join the points by straight lines with round ends."""
    lines = [line(start, end) for start, end in pairwise(points)]
    return lambda x, y: min(distance(x, y) for distance in lines) - thickness / 2


def line(start: tuple[float, float], end: tuple[float, float]) -> Distance:
    (left, top), along, down = start, end[0] - start[0], end[1] - start[1]
    square = along * along + down * down

    def distance(x: float, y: float) -> float:
        share = min(1.0, max(0.0, ((x - left) * along + (y - top) * down) / square))
        return hypot(x - left - share * along, y - top - share * down)

    return distance


def rectangle(center: tuple[float, float], half_width: float, half_height: float, corner: float) -> Distance:
    def distance(x: float, y: float) -> float:
        across = abs(x - center[0]) - half_width + corner
        down = abs(y - center[1]) - half_height + corner
        return hypot(max(across, 0.0), max(down, 0.0)) + min(max(across, down), 0.0) - corner

    return distance


def reel(turn: float) -> Distance:
    """Cut a wheel with five round windows and an axle, turned by an angle."""

    def distance(x: float, y: float) -> float:
        across, down = x - REEL_CENTER[0], y - REEL_CENTER[1]
        radius = hypot(across, down)
        # All windows are alike, so it is enough to measure the nearest.
        angle = (atan2(down, across) - turn + pi / 5) % (tau / 5) - pi / 5
        window = hypot(radius * cos(angle) - 36, radius * sin(angle)) - 15
        return max(radius - REEL_RADIUS, -window, 6 - radius)

    return distance


def wedge(turn: float) -> Distance:
    """Cut out the part of the clock that its hand has passed, beginning at the top."""

    def distance(x: float, y: float) -> float:
        across, down = x - CLOCK_CENTER[0], y - CLOCK_CENTER[1]
        radius = hypot(across, down)
        passed = atan2(across, -down) % tau
        return max(radius - CLOCK_RADIUS, min((passed - turn) * radius, radius))

    return distance


TWO = [
    *((232 - 17 * cos(step * pi / 10), 78 - 17 * sin(step * pi / 10)) for step in range(13)),
    (215.0, 117.0),
    (250.0, 117.0),
]
ONE = [(218.0, 73.0), (234.0, 62.0), (234.0, 117.0)]
DIGITS = [TWO, ONE]


class Picture:
    """Pixels that shapes are laid over."""

    def __init__(self, pixels: bytes) -> None:
        self.pixels = bytearray(pixels)

    def paint(self, shape: Distance, box: Box, color: Color, opacity: float = 1.0) -> None:
        """Lay a shape over the picture; its edge is one pixel soft."""
        for x, y in box.pixels():
            coverage = min(1.0, 0.5 - shape(x + 0.5, y + 0.5)) * opacity
            if coverage > 0:
                self._blend((y * WIDTH + x) * 3, color, coverage)

    def _blend(self, offset: int, color: Color, coverage: float) -> None:
        for channel, value in enumerate(color, offset):
            self.pixels[channel] += round((value - self.pixels[channel]) * coverage)


@cache
def background() -> bytes:
    """Paint a gradient from dusk to ember, the film strips, and what of the clock stands still."""
    picture = Picture(b"".join(bytes(row_color(y)) * WIDTH for y in range(HEIGHT)))
    picture.paint(disc(CLOCK_CENTER, CLOCK_RADIUS), CLOCK_BOX, STEEL)
    return bytes(picture.pixels)


def row_color(y: int) -> Color:
    if any(strip.top <= y < strip.bottom for strip in STRIPS):
        return FILM
    red, green, blue = (round(top + (low - top) * y / HEIGHT) for top, low in zip(DUSK, EMBER, strict=True))
    return red, green, blue


def draw(frame: int) -> bytes:
    """Draw one picture as rows of RGB."""
    second, part = divmod(frame, FRAMES_PER_SECOND)
    picture = Picture(background())
    # Both motions end where they began, so the video repeats without a jump.
    draw_holes(picture, frame * HOLE_SPACING * 3 / (FRAMES_PER_SECOND * SECONDS))
    draw_reel(picture, frame * tau * 2 / 5 / (FRAMES_PER_SECOND * SECONDS))
    draw_clock(picture, (part + 1) * tau / FRAMES_PER_SECOND, DIGITS[second])
    return bytes(picture.pixels)


def draw_holes(picture: Picture, shift: float) -> None:
    for strip in STRIPS:
        for number in range(-1, WIDTH // HOLE_SPACING + 1):
            left = number * HOLE_SPACING + shift % HOLE_SPACING
            box = Box(max(0, int(left)), strip.top, min(WIDTH, int(left) + HOLE_SPACING), strip.bottom)
            middle = (left + HOLE_SPACING / 2, (strip.top + strip.bottom) / 2)
            picture.paint(rectangle(middle, 5, 6, 2), box, HOLE)


def draw_reel(picture: Picture, turn: float) -> None:
    picture.paint(reel(turn), REEL_BOX, STEEL)
    picture.paint(ring(REEL_CENTER, REEL_RADIUS - 3, 2), REEL_BOX, SHADE)
    picture.paint(ring(REEL_CENTER, 12, 2), REEL_BOX, SHADE)


def draw_clock(picture: Picture, turn: float, digit: list[tuple[float, float]]) -> None:
    picture.paint(wedge(turn), CLOCK_BOX, EMBER, opacity=0.55)
    picture.paint(ring(CLOCK_CENTER, CLOCK_RADIUS - 2, 3), CLOCK_BOX, CREAM)
    picture.paint(ring(CLOCK_CENTER, CLOCK_RADIUS - 9, 2), CLOCK_BOX, CREAM)
    picture.paint(stroke(digit, 9), DIGIT_BOX, FILM)


def find_ffmpeg() -> str:
    """Find ffmpeg on the path or in the imageio-ffmpeg wheel."""
    if found := shutil.which("ffmpeg"):
        return found
    try:
        return str(import_module("imageio_ffmpeg").get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        sys.exit("make_reel: no ffmpeg here; install the package `ffmpeg` or the wheel `imageio-ffmpeg`")


def encode(pictures: bytes, target: Path) -> None:
    """Write the pictures as H.264 that every browser plays, its index in front."""
    incoming = f"-f rawvideo -pix_fmt rgb24 -s {WIDTH}x{HEIGHT} -r {FRAMES_PER_SECOND} -i pipe:0"
    scale = "-vf scale=out_color_matrix=bt709:out_range=tv"
    colors = f"{scale} -colorspace bt709 -color_primaries bt709 -color_trc bt709"
    picture = "-c:v libx264 -profile:v main -level 1.3 -pix_fmt yuv420p -preset veryslow -crf 20 -threads 1"
    # Type 6 is the note in which x264 names its version and settings.
    repeatable = "-map_metadata -1 -fflags +bitexact -flags:v +bitexact -bsf:v filter_units=remove_types=6"
    options = f"-hide_banner -loglevel error -y {incoming} {colors} {picture} {repeatable} -an -movflags +faststart"
    subprocess.run([find_ffmpeg(), *options.split(), str(target)], input=pictures, check=True)


def main() -> None:
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    encode(b"".join(draw(frame) for frame in range(FRAMES_PER_SECOND * SECONDS)), target)


if __name__ == "__main__":
    main()
