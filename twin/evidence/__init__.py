"""Evidence that a number can be computed again: a folder with everything that went in and everything that came out.

    manifest.json          what was computed, by what, and a hash of each file and of each thing that went in
    inputs/                a park with all that measures read, and nothing else: any `twin` opens it, so does QGIS
    runs/<run>/            result.json, gaps.geojson, samples.json.gz
    scorecard.json         where a pack was scored

`content` in the manifest is one hash over what went in and what came out. It depends on no time, no place, no machine: who signs it
signs the number. `twin.evidence.verify` computes every run again from the folder alone.
"""
