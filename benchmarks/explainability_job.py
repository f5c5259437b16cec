"""One process of the explainability benchmark: ``make``, ``serve``, or one of `JOBS`."""

from __future__ import annotations

import json
import sys
import threading
import urllib.request
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

SEED = 20261122
FEATURES, EXPLAINED, BACKGROUND, SAMPLES = 20, 100, 100, 100
LARGEST_BODY = 6 * 1024 * 1024
NAMES = [f"f{i:02}" for i in range(FEATURES)]


def data(rows: int, part: int) -> np.ndarray:
    """Draw normal features of three decimals, as files have them."""
    return np.random.default_rng([SEED, part]).normal(size=(rows, FEATURES)).round(3)


def model() -> Any:
    """Train boosted trees on a target with strong and weak effects and interactions."""
    from sklearn.ensemble import GradientBoostingRegressor

    x = data(5000, 0)
    weak = x @ np.linspace(0, 0.4, FEATURES)
    target = x[:, 0] * x[:, 1] + np.sin(2 * x[:, 2]) + x[:, 3] * (x[:, 4] > 0) + 0.5 * x[:, 5] ** 2 + weak
    return GradientBoostingRegressor(n_estimators=200, max_depth=5, random_state=SEED).fit(x, target)


def make(folder: Path) -> None:
    """Write the rows to explain and the background as CSV."""
    folder.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(data(EXPLAINED, 1), schema=NAMES).write_csv(folder / "explained.csv")
    pl.DataFrame(data(BACKGROUND, 2), schema=NAMES).write_csv(folder / "background.csv")


def serve() -> None:
    """Serve the model at ``/invocations`` until stdin ends; ``/counts`` returns what came since its last call."""
    trees = model()
    counts = {"requests": 0, "rows": 0}
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if length > LARGEST_BODY:
                self._respond(413, b"too large")
                return
            rows = pl.read_csv(body, has_header=False, schema_overrides=[pl.Float64] * FEATURES).to_numpy()
            with lock:
                counts["requests"] += 1
                counts["rows"] += len(rows)
            self._respond(200, "\n".join(map(repr, trees.predict(rows).tolist())).encode())

        def do_GET(self) -> None:
            with lock:
                response = json.dumps(counts).encode()
                counts.update(requests=0, rows=0)
            self._respond(200, response)

        def _respond(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


def kernel_explainer(folder: Path, url: str, **options: Any) -> np.ndarray:
    """Explain with shap.KernelExplainer as its documentation does, each prediction being a request."""
    import shap
    import urllib3

    pool = urllib3.PoolManager()

    def predict(rows: np.ndarray) -> np.ndarray:
        body = pl.DataFrame(rows).write_csv(include_header=False).encode()
        response = pool.request("POST", url, body=body, headers={"Content-Type": "text/csv"})
        if response.status != 200:
            raise SystemExit(f"the model returned {response.status}")
        return np.array(response.data.split(), dtype=float)

    np.random.seed(SEED)  # noqa: NPY002 - what the explainer draws from
    explainer = shap.KernelExplainer(predict, pl.read_csv(folder / "background.csv").to_numpy())
    explained = pl.read_csv(folder / "explained.csv").to_numpy()
    return np.asarray(explainer.shap_values(explained, nsamples=SAMPLES, silent=True, **options))


def modelwatch(folder: Path, url: str) -> np.ndarray:
    """Make an explainability baseline with Modelwatch, reports and all."""
    from modelwatch_analyzer.analysis import analyze
    from modelwatch_analyzer.host import Host, any_address
    from modelwatch_core.domain.settings_environment import analysis_settings

    config = folder / "analysis_config.json"
    shap = {"baseline": str(folder / "background.csv"), "num_samples": SAMPLES, "seed": SEED}
    config.write_text(json.dumps({"methods": {"shap": shap}}))
    settings = analysis_settings(
        analysis_type="MODEL_EXPLAINABILITY",
        dataset_source=folder / "explained.csv",
        dataset_format={"csv": {"header": True}},
        analysis_config=config,
        model_url=url,
        output_path=folder / "results",
    )
    analyze(settings, Host(allows_address=any_address))
    return pl.read_csv(folder / "results/explanations_shap/out.csv").to_numpy()


def exact(folder: Path, _url: str) -> np.ndarray:
    """Explain the trees themselves: exact Shapley values of the same game."""
    import shap

    background = pl.read_csv(folder / "background.csv").to_numpy()
    explainer = shap.TreeExplainer(model(), background, feature_perturbation="interventional")
    return np.asarray(explainer.shap_values(pl.read_csv(folder / "explained.csv").to_numpy()))


JOBS: dict[str, Callable[[Path, str], np.ndarray]] = {
    "kernel_explainer": kernel_explainer,
    "kernel_explainer_all": partial(kernel_explainer, l1_reg=0),
    "modelwatch": modelwatch,
    "exact": exact,
}


def main() -> None:
    """Run a job; its SHAP values are left in the folder, and what the server counted is printed."""
    if sys.argv[1] == "serve":
        serve()
        return
    job, folder, url = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    if job == "make":
        make(folder)
        return
    np.save(folder / f"{job}.npy", JOBS[job](folder, url))
    with urllib.request.urlopen(url.replace("/invocations", "/counts")) as response:
        print(response.read().decode())


if __name__ == "__main__":
    main()
