"""Map embeddings of shipped digits into the plane with t-SNE, once: cnndemo/samples/siamese_map.npz.

pip install scikit-learn
python -m train.siamese_map        # after train.siamese and train.triplet
"""

from __future__ import annotations

import argparse

import numpy as np

from cnndemo import images, siamese, weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--each", type=int, default=60, help="digits of each class")
    parser.add_argument("--seed", type=int, default=0, help="seed of t-SNE")
    arguments = parser.parse_args()
    from sklearn.manifold import TSNE

    x, y = images.digits()
    index = np.concatenate([np.flatnonzero(y == digit)[: arguments.each] for digit in range(10)])
    maps = {"index": index.astype(np.uint16)}
    for name in siamese.NETWORKS:
        embeddings = siamese.embedder(name)(siamese.prepare(x[index]))
        plane = TSNE(init="pca", perplexity=30, random_state=arguments.seed).fit_transform(embeddings)
        maps[name] = (plane / np.abs(plane).max()).astype(np.float16)
        print(name, maps[name].shape)
    hashes = [weights.card(name)["sha256"] for name in siamese.NETWORKS if name != "untrained"]
    with weights.whole(siamese.MAP_FILE) as part:
        np.savez_compressed(part, **maps, hashes=np.array(hashes))


if __name__ == "__main__":
    main()
