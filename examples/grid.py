"""A terrain, sampled: its slope as a map, the exact one beside it, and what a gap in the data does.

The terrain is generated from a formula (three hills and waves, heights in metres every 30 m), so that the slope is
known. With matplotlib (extra `plot`) it writes grid.png, or the file that is named.
"""

import sys

import numpy as np

import fastgrad as fg

SPACING = 30.0
HILLS = ((2500.0, 3000.0, 900.0, 800.0), (6000.0, 5500.0, 1400.0, 1200.0), (7500.0, 2000.0, 600.0, 500.0))


def terrain(x, y):
    """Height and its exact slopes along x and y."""
    height, slope_x, slope_y = 150 * np.sin(x / 1500), np.cos(x / 1500) / 10, np.zeros_like(x)
    for x0, y0, width, top in HILLS:
        hill = top * np.exp(-((x - x0) ** 2 + (y - y0) ** 2) / (2 * width**2))
        height = height + hill
        slope_x = slope_x - hill * (x - x0) / width**2
        slope_y = slope_y - hill * (y - y0) / width**2
    return height, slope_x, slope_y


def main():
    """Prints errors of the slope in degrees and draws the map."""
    along = np.arange(0.0, 9000.0, SPACING)
    x, y = np.meshgrid(along, along, indexing="ij")
    height, slope_x, slope_y = terrain(x, y)
    exact = np.degrees(np.arctan(np.hypot(slope_x, slope_y)))
    print(f"{height.shape[0]} x {height.shape[1]} heights; steepest {exact.max():.1f} degrees")
    for order in (2, 4):
        found = np.degrees(np.arctan(fg.grid.gradient_magnitude(height, SPACING, order=order)))
        print(f"order {order}: slope off by at most {np.abs(found - exact).max():.1e} degrees")
    # A lake without data: slopes beside it are one-sided, and nothing else is lost.
    missing = np.hypot(x - 4500, y - 4500) < 600
    holed = np.where(missing, np.nan, height)
    found = np.degrees(np.arctan(fg.grid.gradient_magnitude(holed, SPACING, boundary="nan")))
    lost = np.isnan(found) & ~missing
    print(f"with {missing.sum()} missing heights: {lost.sum()} slopes lost beside them", end=", ")
    print(f"off by at most {np.nanmax(np.abs(found - exact)):.1e} degrees")
    draw(height, found, sys.argv[1] if len(sys.argv) > 1 else "grid.png")


def draw(height, slope, path):
    """Contours of the height over a map of the slope."""
    try:
        import matplotlib
    except ImportError:
        print("no picture: pip install matplotlib")
        return
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 5), layout="constrained")
    kilometres = (0, 9, 0, 9)
    image = axes.imshow(slope.T, origin="lower", extent=kilometres, cmap="viridis")
    axes.contour(height.T, levels=12, extent=kilometres, colors="white", linewidths=0.5)
    axes.set(xlabel="km", ylabel="km", title="slope; white: heights")
    figure.colorbar(image, label="degrees")
    figure.savefig(path, dpi=120)
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
