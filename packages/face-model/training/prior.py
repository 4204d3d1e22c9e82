"""What skins people have, as a distribution of texture codes to draw new faces from.

Codes of the colour basis are independent N(0, 1) where a photo is fitted: that is wide on purpose. In people they are not independent (a moustache seldom comes without stubble on the chin, wrinkles come together) and
mostly smaller (a face is not a patchwork of spots). So a class is drawn first, then code = mean of the class + sigmas * z + factors^T * y with z, y ~ N(0, 1) cut off at two deviations.

Principal components come from skins, so their deviation is one by construction. Painted components are judged as everything painted is: by what differs between people of one tone in photographs.
"""
from __future__ import annotations

from itertools import product

import numpy as np

BEARDS = {'none': .68, 'stubble': .2, 'beard': .12}
AGES = {'young': .65, 'older': .35}
LIPS = {'bare': .75, 'painted': .25}
# What a full beard is made of, in units of the painted codes; stubble is a share of it.
BEARD = {'moustache': 4., 'goatee': 4., 'mouthCorner': 3.5, 'soulPatch': 2., 'jawBeard': 3.5, 'sideburns': 3., 'throatBeard': 1.5}
STUBBLE = .3
WRINKLES = ('noseCrease', 'marionette', 'foreheadLines', 'frownLines', 'crowsFeet', 'eyeBag', 'foldCheek', 'underEye')
MAKE_UP = {'lipUpper': 1.2, 'lipLower': 1.2, 'lashesUpper': 1., 'lidShadow': .5}
# Cropped hair: the scalp's colour is all that a head without hair has to show.
USUAL = {'scalpDark': 2.2, 'hairBeforeEar': .6}
SIGMAS = {'browDensity': .9, 'browInner': .5, 'browTail': .5, 'browArch': .6, 'browBelow': .5, 'browWarmth': .8, 'browMeeting': .3, 'scalpDark': .9, 'scalpWarm': .7, 'overall': .5, 'overallRed': .4, 'overallYellow': .4,
          'cheekBlush': .6, 'noseRed': .5, 'lipPink': .8, 'lipDark': .6, 'ears': .4, 'lidCrease': .7, 'lashesUpper': .5}
OTHERS, SIDES, SPOTS = .3, .12, .12
ANTISYMMETRIC_SIGMA = .4
# Drawn together: [names and shares], one factor each.
FACTORS = [{'browDensity': .4, 'browInner': .3, 'browTail': .3, 'scalpDark': .3}, {'browWarmth': .5, 'scalpWarm': .6, 'beardWarm': .5}, {n: .4 for n in WRINKLES}, {n: .25 * v for n, v in BEARD.items()}]
BEARD_FACTOR = 3


def texture_prior(names: list[str], symmetric: int) -> dict[str, np.ndarray]:
    """names [Dt] of the codes, how many of the principal ones are symmetric -> shares [C], means [C, Dt], sigmas [Dt], factors [C, K, Dt]."""
    index = {name: k for k, name in enumerate(names)}

    def row(values: dict[str, float]) -> np.ndarray:
        out = np.zeros(len(names), np.float32)
        for name, value in values.items():
            if name in index:
                out[index[name]] = value
        return out

    def sigma(name: str) -> float:
        if name.startswith('principal'):
            return 1. if int(name[9:]) < symmetric else ANTISYMMETRIC_SIGMA
        if name in BEARD or name.startswith('beard'):
            return .1
        if name.endswith('Side') and name not in ('jawSide', 'foreheadSide'):
            return SIDES
        return SPOTS if name.startswith('spot') else SIGMAS.get(name, OTHERS)

    shares, means, factors = [], [], []
    for (beard, p), (age, q), (lips, r) in product(BEARDS.items(), AGES.items(), LIPS.items()):
        amount = {'none': 0, 'stubble': STUBBLE, 'beard': 1}[beard]
        mean = row(USUAL) + amount * row(BEARD) + (.9 if age == 'older' else 0) * row(dict.fromkeys(WRINKLES, 1.))
        # A painted mouth over a beard is rare.
        painted = lips == 'painted' and beard == 'none'
        means.append(mean + (row(MAKE_UP) if painted else 0))
        factors.append([row(f) * (amount if k == BEARD_FACTOR else 1) for k, f in enumerate(FACTORS)])
        shares.append(p * q * r)
    return {'shares': np.float32(shares), 'means': np.float32(means), 'sigmas': np.float32([sigma(n) for n in names]), 'factors': np.float32(factors)}
