from dataclasses import replace

from systems.tests.paperclips.system import SYSTEM as PAPERCLIPS

SYSTEM = replace(PAPERCLIPS, slug="umbrellas", label="Umbrella shop")
