"""What is painted by us: the components of colour that no skin has, as soft masks on the chart, and the small textures of eyes, teeth and tongue."""
from __future__ import annotations

import math

import numpy as np
from scipy.interpolate import interp1d
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.spatial import cKDTree

import facekit as fk
import registration as rg
from parts import EYE_CAP
from surface import interpolate, rasterize_chart


SPOT_SPACING = 21.      # millimetres
IRIS, PUPIL = math.radians(24), math.radians(9)     # half angles about the gaze axis, seen from the eyeball's centre


class Chart:
    """Per texel of a square chart: whether the skin covers it (`on`), its place and normal on the neutral, and its region's label."""

    def __init__(self, data: str, size: int):
        self.size, self.skin = size, rg.Skin(data)
        folder = fk.cache_dir() / 'atlas'
        self.uv = np.load(folder / 'atlas.npz')['uv'].astype(np.float64)
        self.landmarks = np.load(folder / 'landmarks.npz')
        self.regions = np.load(folder / 'regions.npz')['regions']
        triangle, weights = rasterize_chart(self.uv, self.skin.triangles, size)
        self.on = triangle >= 0
        self.place, self.normal = (np.zeros((size, size, 3)) for _ in range(2))
        normals = fk.vertex_normals(self.skin.vertices, self.skin.triangles).astype(np.float64)
        for target, values in ((self.place, self.skin.vertices), (self.normal, normals)):
            target[self.on] = interpolate(values, self.skin.triangles, triangle[self.on], weights[self.on])

    def label(self, *names: str) -> np.ndarray:
        """[S, S] bool: the texels of some of the regions."""
        return np.isin(self.regions, [rg.REGIONS[name] for name in names])


    def line(self, name: str) -> np.ndarray:
        """One of the skin's contours (registration.Skin.contours), on the subject's left only, in millimetres."""
        line = self.skin.contours()[name]
        return 1000 * line[line[:, 0] > -1e-6]


def soft(x: np.ndarray, start: float, stop: float) -> np.ndarray:
    """0 up to start, 1 from stop on (or the reverse when stop < start), smooth between."""
    t = np.clip((x - start) / (stop - start), 0, 1)
    return t * t * (3 - 2 * t)


def blob(p: np.ndarray, centre: tuple[float, float, float], radius: float | tuple[float, float, float]) -> np.ndarray:
    return np.exp(-.5 * (((p - centre) / radius) ** 2).sum(-1))


def polyline_distance(p: np.ndarray, line: np.ndarray) -> np.ndarray:
    dense = rg.along(line, np.linspace(0, 1, 200))
    return cKDTree(dense).query(p.reshape(-1, 3))[0].reshape(p.shape[:-1])


def spread(places: np.ndarray, spacing: float) -> np.ndarray:
    """Places [K, 3] among [N, 3] no two of which are nearer than the spacing, by farthest points: the same every time."""
    chosen = [np.argmax(places[:, 1])]
    distance = np.linalg.norm(places - places[chosen[0]], axis=1)
    while distance.max() > spacing:
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, np.linalg.norm(places - places[chosen[-1]], axis=1))
    return places[chosen]


def brow_coordinates(chart: Chart, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Along the brow (0 at the nose, 1 at the temple) and across it (-1 lower edge, 1 upper edge), from MediaPipe's brow points."""
    points = 1000 * chart.landmarks['points468']
    upper, lower = points[rg.BROW_LEFT_UPPER], points[rg.BROW_LEFT_LOWER]
    share = np.linspace(-.12, 1.12, 150)
    stops = np.linspace(0, 1, len(upper))
    extend = lambda line: np.stack([interp1d(stops, line[:, k], kind='linear', fill_value='extrapolate')(share) for k in range(3)], 1)
    upper, lower = extend(upper), extend(lower)
    centre, half = (upper + lower) / 2, (upper - lower) / 2
    near = cKDTree(centre).query(p.reshape(-1, 3))[1]
    offset = p.reshape(-1, 3) - centre[near]
    across = (offset * half[near]).sum(1) / (half[near] ** 2).sum(1)
    away = np.linalg.norm(offset, axis=1)
    across = np.where(away < 25, across, 9)
    return share[near].reshape(p.shape[:-1]), across.reshape(p.shape[:-1])


def painted_components(chart: Chart) -> dict[str, list[tuple[str, np.ndarray, tuple[float, float, float]]]]:
    """What a unit of each painted code adds to the optical density -> {'fine' | 'coarse': [(name, mask [S, S], density RGB)]}. Lengths are millimetres on FaceKit's neutral.

    A density of .1 darkens a channel by a tenth. The sizes are one standard deviation by judgement: what differs between people of one tone in photographs."""
    place = 1000 * chart.place
    p = place * [1, 1, 1]
    side = np.sign(p[..., 0])
    p[..., 0] = np.abs(p[..., 0])
    x, y, z = np.moveaxis(p, -1, 0)
    skin = chart.on & ~chart.label('mouthBag') & ~chart.label('eyeSockets')
    lips = gaussian_filter(chart.label('lips').astype(float), chart.size / 400)
    scalp = gaussian_filter(chart.label('scalp').astype(float), chart.size / 120)
    front = soft(z, 20, 45)

    along, across = brow_coordinates(chart, p)
    ends = soft(along, -.10, .14) * soft(along, 1.12, .85)
    taper = 1.05 - .3 * np.clip(along, 0, 1)
    brow = ends * np.exp(-.5 * np.abs((across + .1) / taper) ** 3)
    to_upper, to_lower = polyline_distance(p, chart.line('eyeUpper')), polyline_distance(p, chart.line('eyeLower'))
    lid_middle = 34
    above_lid, below_lid = soft(y, lid_middle - 2, lid_middle + 1), soft(y, lid_middle + 1, lid_middle - 2)
    to_lips = polyline_distance(p, np.concatenate([chart.line('outerUpper'), chart.line('outerLower')[::-1]]))
    beside_lips = (1 - lips) * soft(to_lips, .3, 2)
    mouth_height = -34.
    moustache = beside_lips * soft(to_lips, 15, 9) * soft(y, mouth_height - 4, mouth_height + 1) * soft(y, -9, -14) * soft(x, 33, 25) * soft(z, 90, 97)
    goatee = beside_lips * soft(x, 30, 12) * soft(y, mouth_height - 5, mouth_height - 18) * soft(y, -102, -78) * front
    corner = beside_lips * blob(p, (29, -42, 100), (6, 11, 14))
    line_of_beard = -6 - 20 * np.clip((70 - x) / 35, 0, 1)     # the cheek's upper limit, falling from the ear to the mouth's corner
    jaw = beside_lips * soft(y, line_of_beard + 4, line_of_beard - 14) * soft(x, 12, 30) * soft(y, -102, -80) * soft(z, 2, 16)
    sideburn = soft(y, -26, -10) * soft(y, 48, 34) * soft(x, 64, 68) * soft(z, 12, 18) * soft(z, 44, 34)
    throat = soft(y, -74, -84) * soft(y, -125, -100) * soft(z, 25, 45)
    beard = np.clip(moustache + goatee + corner + jaw + sideburn + .7 * throat, 0, 1)

    hair = np.array([1.1, 1., .85])       # takes most from red, so that skin under it turns neutral
    mouth_line = np.minimum(polyline_distance(p, chart.line('innerUpper')), polyline_distance(p, chart.line('innerLower')))
    marionette = np.array([[31., -40, 97], [34, -50, 94], [36, -64, 88]])
    crease = np.array([[17., -4, 103], [22, -14, 102], [30, -27, 98], [34, -36, 93]])
    on_crease = np.exp(-.5 * (polyline_distance(p, crease) / 2.2) ** 2)
    fine = [('browDensity', brow, hair * .45), ('browInner', brow * soft(along, .4, 0), hair * .25), ('browTail', brow * soft(along, .55, .95), hair * .25),
            ('browArch', ends * np.exp(-.5 * ((across - 1.5) / .6) ** 2), hair * .2), ('browBelow', ends * np.exp(-.5 * ((across + 1.5) / .6) ** 2), hair * .2),
            ('browWarmth', brow, (-.08, .01, .09)), ('browSide', brow * side, hair * .12), ('browMeeting', blob(p, (0, 54, 107), (9, 6, 10)), hair * .12),
            ('lipUpper', lips * soft(y, mouth_height - 1, mouth_height + 1), (.02, .16, .12)), ('lipLower', lips * soft(y, mouth_height + 1, mouth_height - 1), (.02, .16, .12)),
            ('lipDark', lips, (.15, .16, .14)), ('lipPink', lips, (-.08, .06, -.03)), ('lipEdge', np.exp(-.5 * (to_lips / 1.6) ** 2), (.08, .1, .09)),
            ('mouthLine', lips * np.exp(-.5 * (mouth_line / 1.6) ** 2), (.25, .3, .3)),
            ('lashesUpper', above_lid * np.exp(-.5 * (to_upper / 1.5) ** 2), hair * .4), ('lashesLower', below_lid * np.exp(-.5 * (to_lower / 1.2) ** 2), hair * .25),
            ('lidCrease', above_lid * np.exp(-.5 * ((to_upper - 4.5) / 1.4) ** 2), (.13, .15, .15)), ('lidShadow', above_lid * np.exp(-.5 * ((to_upper - 5) / 4) ** 2), (.11, .13, .1)),
            ('underEye', below_lid * np.exp(-.5 * ((to_lower - 6) / 3.5) ** 2), (.07, .1, .08)), ('moustache', moustache, hair * .22), ('goatee', goatee, hair * .2),
            ('mouthCorner', corner, hair * .13), ('soulPatch', beside_lips * blob(p, (0, -50, 112), (6, 5, 12)), hair * .13),
            ('noseCrease', on_crease, (.08, .1, .09)), ('noseCreaseSide', on_crease * side, (.06, .07, .07)),
            ('foldCheek', np.exp(-.5 * (polyline_distance(p, crease + [6, 1, -3]) / 2.5) ** 2), (-.07, -.07, -.06)),
            ('marionette', np.exp(-.5 * (polyline_distance(p, marionette) / 2.) ** 2), (.08, .09, .09)),
            ('foreheadLines', soft(y, 64, 72) * soft(y, 104, 92) * soft(x, 48, 30) * front * np.cos(2 * np.pi * (y - .0022 * x ** 2) / 9.5), (.045, .05, .05)),
            ('frownLines', np.exp(-.5 * ((x - 7) / 1.6) ** 2) * soft(y, 40, 48) * soft(y, 72, 62) * front, (.09, .1, .1)),
            ('crowsFeet', blob(p, (52, 36, 76), (7, 9, 12)) * np.cos(2 * np.pi * (y - 36 - .25 * (x - 52)) / 5.5), (.06, .07, .07)),
            ('eyeBag', below_lid * np.exp(-.5 * ((to_lower - 11) / 1.5) ** 2) * soft(x, 12, 20) * soft(x, 50, 42), (.07, .08, .08))]
    everywhere = np.ones_like(x)
    coarse = [('jawBeard', jaw, hair * .2), ('sideburns', sideburn, hair * .22), ('throatBeard', throat, hair * .15), ('beardCool', beard, (.12, .05, .0)), ('beardWarm', beard, (-.06, .02, .08)),
              ('beardGrey', beard, (-.07, -.1, -.13)),
              ('scalpDark', scalp, hair * .5), ('scalpWarm', scalp, (-.05, .02, .07)), ('hairlineFront', blob(p, (0, 96, 92), (48, 12, 30)), hair * .2),
              ('hairlineTemple', blob(p, (62, 70, 55), (12, 22, 22)), hair * .2), ('hairBeforeEar', blob(p, (72, 30, 25), (10, 28, 14)), hair * .2),
              ('ears', chart.label('ears').astype(float), (-.03, .1, .08)), ('neckTone', soft(y, -80, -98), (.07, .08, .08)), ('cheekBlush', blob(p, (40, 0, 92), 13), (-.03, .1, .08)),
              ('noseRed', blob(p, (0, 4, 125), 14), (-.03, .09, .07)), ('chinRed', blob(p, (0, -66, 106), 13), (-.02, .07, .06)), ('lidsPink', blob(p, (32, 36, 92), (18, 9, 14)), (-.03, .09, .04)),
              ('overall', everywhere, (-.12, -.12, -.12)), ('overallRed', everywhere, (-.03, .03, .02)), ('overallYellow', everywhere, (0, 0, .07))]
    centres = {'forehead': ((0, 80, 103), 20), 'foreheadSide': ((42, 74, 88), 18), 'temple': ((66, 42, 58), 17), 'cheekbone': ((54, 10, 76), 16), 'cheek': ((46, -22, 82), 16), 'jawSide': ((62, -30, 45), 19),
               'chin': ((0, -68, 106), 15), 'aroundMouth': ((27, -30, 100), 13), 'underEye': ((30, 18, 94), 12), 'nose': ((0, 18, 118), 14), 'noseWing': ((15, -2, 108), 8), 'jawFront': ((32, -68, 86), 15)}
    for name, (centre, radius) in centres.items():
        coarse.append((name + 'Light', blob(p, centre, radius), (-.08, -.08, -.08)))
    for name in ('forehead', 'cheekbone', 'cheek', 'aroundMouth', 'underEye', 'nose'):
        centre, radius = centres[name]
        coarse.append((name + 'Warm', blob(p, centre, radius * 1.2), (-.03, .04, .05)))
    for name in ('foreheadSide', 'temple', 'cheekbone', 'cheek', 'jawSide', 'underEye'):
        centre, radius = centres[name]
        coarse.append((name + 'Side', blob(p, centre, radius) * side, (-.07, -.07, -.07)))
    # What no region above has in common: soft spots of light and shade a thumb apart, even and odd.
    for k, centre in enumerate(spread(place[chart.label('face') & (place[..., 0] >= 0)], SPOT_SPACING)):
        spot = blob(p, tuple(centre), .62 * SPOT_SPACING)
        coarse.append((f'spot{k}', spot, (-.055, -.055, -.055)))
        if centre[0] > SPOT_SPACING / 3:
            coarse.append((f'spot{k}Side', spot * side, (-.05, -.05, -.05)))
    return {'fine': [(n, m * skin, c) for n, m, c in fine], 'coarse': [(n, m * skin, c) for n, m, c in coarse]}


def inner_shares(chart: Chart) -> tuple[np.ndarray, np.ndarray]:
    """How far a texel is inside the mouth or behind the lids: 0 on the outer skin, 1 a few millimetres in -> (mouth, eye) [S, S]."""
    p = 1000 * chart.place * [1, 1, 1]
    p[..., 0] = np.abs(p[..., 0])
    lips = np.minimum(*(polyline_distance(p, chart.line(k)) for k in ('innerUpper', 'innerLower')))
    lids = np.minimum(*(polyline_distance(p, chart.line(k)) for k in ('eyeUpper', 'eyeLower')))
    return soft(lips, 1, 9) * chart.label('mouthBag'), soft(lids, 1, 5) * chart.label('eyeSockets')


def noise(shape: tuple[int, int], cells: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    """Smooth noise of mean 0 and deviation 1 with features of about `cells` texels; wraps around in the second direction."""
    field = gaussian_filter(rng.standard_normal(shape), np.array(cells) / 2, mode=('nearest', 'wrap'))
    return (field - field.mean()) / field.std()


def srgb_bytes(linear: np.ndarray) -> np.ndarray:
    linear = np.clip(linear, 0, 1)
    return np.round(255 * np.where(linear <= .0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - .055)).astype(np.uint8)


def blend(a: np.ndarray, b: np.ndarray, share: np.ndarray) -> np.ndarray:
    return a + (b - a) * share[..., None]


def eye_texture(size: int = 256, seed: int = 0) -> np.ndarray:
    """[size, size, 3] u8 sRGB: the eyeball seen along its gaze, angle from the axis growing with the distance from the centre, EYE_CAP at .49 of the side.

    White with a faint pink rim and veins that grow outward, a dark brown iris (most people have one) with radial fibres, a brighter collarette, a dark limbal ring, a pupil. Lids and lashes keep light from
    an eyeball, which the renderers do not compute, so the texture is as dark as eyes are in portraits: about half of the material, less toward the lids."""
    rng = np.random.default_rng(seed)
    y, x = (np.mgrid[:size, :size] + .5) / size - .5
    angle = np.hypot(x, y) / .49 * EYE_CAP
    turn = (np.arctan2(y, x) / (2 * np.pi)) % 1
    # Noise in polar form: rows are angles from the axis, columns go around.
    polar = lambda cells: map_coordinates(noise((256, 1024), cells, rng), [angle / (EYE_CAP * 1.45) * 255, turn * 1024], order=1, mode='grid-wrap')
    fibres, coarse, blotches = polar((60, 5)), polar((40, 22)), polar((30, 90))
    depth = np.clip((angle - PUPIL) / (IRIS - PUPIL), 0, 1)
    iris = np.array([.062, .034, .017]) * np.exp(.28 * fibres + .16 * coarse)[..., None]
    iris = blend(iris, iris * [1.9, 1.6, 1.25], np.exp(-.5 * ((depth - .28 - .04 * coarse) / .16) ** 2))
    iris = blend(iris, np.array([.016, .011, .009]), soft(depth, .74, 1.02) * .9)
    white = np.array([.66, .60, .55]) * np.exp(.02 * blotches)[..., None]
    white = blend(white, np.array([.60, .36, .30]), .55 * soft(angle, np.radians(38), np.radians(75)))
    veins = sum(np.exp(-(noise_line / .055) ** 2) for noise_line in (polar((46, 60)) + .35 * polar((14, 14)), polar((30, 36)) + .3 * polar((10, 10))))
    white = blend(white, np.array([.50, .16, .12]), np.clip(veins, 0, 1) * .30 * soft(angle, np.radians(32), np.radians(62)))
    image = blend(white, iris, soft(angle, IRIS + np.radians(1.3), IRIS - np.radians(1.3)))
    image = blend(image, np.full(3, .004), soft(angle, PUPIL + np.radians(.8), PUPIL - np.radians(.8)))
    lids = soft(np.abs(y) / .49 * EYE_CAP, np.radians(10), np.radians(34))
    corners = soft(angle, np.radians(25), np.radians(65))
    return srgb_bytes(image * (.56 * (1 - .6 * lids) * (1 - .5 * corners))[..., None])


def teeth_texture(tooth: np.ndarray, seed: int = 1) -> np.ndarray:
    """[H, W, 3] u8 sRGB from a mask [H, W] that is 1 on teeth and 0 on gums: ivory enamel, warmer and darker toward the gums, gums pink and a little mottled. u runs around
    the arch, the front in the middle; cheeks and lips shade what lies behind, which the renderers do not compute, so the texture does."""
    rng = np.random.default_rng(seed)
    tooth = np.clip(tooth, 0, 1)
    scale = tooth.shape[0] / 256
    inside = soft(gaussian_filter(tooth, 7 * scale), .35, .95)
    enamel = np.array([.66, .58, .46]) * np.exp(.02 * noise(tooth.shape, (14 * scale, 10 * scale), rng))[..., None]
    enamel = blend(enamel * [.80, .72, .60], enamel, inside)
    gum = np.array([.42, .135, .125]) * np.exp(.07 * noise(tooth.shape, (9 * scale, 9 * scale), rng))[..., None]
    near = gaussian_filter(tooth, 5 * scale) * (1 - tooth)
    gum = blend(gum, np.array([.52, .22, .20]), np.clip(2 * near, 0, 1) * .5)
    behind = soft(np.abs((np.arange(tooth.shape[1]) + .5) / tooth.shape[1] - .5), .08, .3)
    return srgb_bytes(blend(gum, enamel, soft(tooth, .3, .7)) * (.72 * (1 - .75 * behind))[None, :, None])


def tongue_texture(size: int = 256, seed: int = 2) -> np.ndarray:
    """[size, size, 3] u8 sRGB: across u, root to tip along v downward; pink, rougher and paler on the back, a soft groove in the middle, papillae."""
    rng = np.random.default_rng(seed)
    y, x = (np.mgrid[:size, :size] + .5) / size
    scale = size / 256
    papillae = np.exp(.05 * noise((size, size), (3 * scale, 3 * scale), rng) + .06 * noise((size, size), (24 * scale, 24 * scale), rng))
    image = np.array([.46, .155, .140]) * papillae[..., None]
    pale = soft(np.abs(x - .5), .42, .1) * soft(y, .95, .5)
    image = blend(image, np.array([.52, .25, .22]) * papillae[..., None], .5 * pale)
    image = image * (1 - .22 * np.exp(-.5 * ((x - .5) / .018) ** 2) * soft(y, .02, .2) * soft(y, .95, .75))[..., None]
    return srgb_bytes(image * (.7 * (.55 + .45 * soft(y, -.1, .45)))[..., None])
