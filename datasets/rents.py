#!/usr/bin/env python3
"""Writes rents.csv: 3,000 invented flats with texts and gaps, for examples/rents.yaml. Standard library alone; the same bytes at every run.

rent (in 100 a month) = area * price of the district * (1 + 0.004 * (year - 1990) + 0.01 * floor) / 100 + 0.8 * balcony + heating - 0.15 * distance + noise,
noise normal with deviation 0.5: no model can have a mean squared error below 0.25. Of area, year, district and heating 3 to 8 % are left out afterwards,
each field by itself, which costs a model more: what was left out is part of the rent.
"""
import pathlib
import random

PRICES = {"harbour": 17.0, "hill": 15.5, "mill": 13.0, "north": 10.5, "old town": 19.0, "park": 16.0, "station": 12.0}
HEATING = {"district": 0.6, "gas": 0.0, "heat pump": 1.1}
GAPS = {"area": 0.05, "year": 0.08, "district": 0.03, "heating": 0.06}


def flat(draw, number):
    district = draw.choice(sorted(PRICES))
    heating = draw.choices(sorted(HEATING), weights=[3, 5, 2])[0]
    area = round(draw.uniform(22, 130), 1)
    year = draw.choice([None, 1900, 1930]) or draw.randrange(1950, 2022)
    floor = draw.randrange(0, 9)
    balcony = draw.choice(["yes", "no"])
    distance = round(draw.uniform(0.2, 12), 2)
    rent = area * PRICES[district] * (1 + 0.004 * (year - 1990) + 0.01 * floor) / 100 + (0.8 if balcony == "yes" else 0) + HEATING[heating] - 0.15 * distance
    row = {"id": f"F{number:05}", "area": area, "district": district, "floor": floor, "year": year, "heating": heating, "balcony": balcony, "distance": distance,
           "rent": round(rent + draw.gauss(0, 0.5), 2)}
    return {name: "" if draw.random() < GAPS.get(name, 0) else value for name, value in row.items()}


def main():
    draw = random.Random(20)
    rows = [flat(draw, number) for number in range(1, 3001)]
    lines = [",".join(rows[0])] + [",".join(str(value) for value in row.values()) for row in rows]
    (pathlib.Path(__file__).parent / "rents.csv").write_text("\n".join(lines) + "\n")


main()
