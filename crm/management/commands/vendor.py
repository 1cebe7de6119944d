"""For maintainers: take pinned front-end files out of npm packages into static/vendor, with a lock of hashes."""

import hashlib
import json
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

# npm package, version, licence, {path in the package: path below static/vendor}
PACKAGES: list[tuple[str, str, str, dict[str, str]]] = [
    (
        "@tabler/core",
        "1.6.1",
        "MIT",
        {
            "dist/css/tabler.min.css": "tabler.min.css",
            "dist/css/tabler-themes.min.css": "tabler-themes.min.css",
            "dist/js/tabler.min.js": "tabler.min.js",
        },
    ),
    ("sortablejs", "1.15.7", "MIT", {"Sortable.min.js": "Sortable.min.js"}),
    # Pinned: later releases may not ship the htmx binding.
    ("idiomorph", "0.8.0", "0BSD", {"dist/idiomorph-ext.min.js": "idiomorph-ext.min.js"}),
    (
        "@fontsource-variable/inter",
        "5.3.0",
        "OFL-1.1",
        {
            f"files/inter-{s}-wght-normal.woff2": f"fonts/inter-{s}-wght-normal.woff2"
            for s in ("latin", "latin-ext", "vietnamese")
        },
    ),
]
# The editor of mails; taken out of the page where scripts do not run.
PACKAGES.append(("trix", "2.1.19", "MIT", {"dist/trix.umd.min.js": "trix.umd.min.js", "dist/trix.css": "trix.css"}))
# Bars of the analytics page, and nothing else is loaded with them.
PACKAGES.append(("echarts", "5.6.0", "Apache-2.0", {"dist/echarts.simple.min.js": "echarts.simple.min.js"}))
FONTS = ("400Regular", "400Regular_Italic", "600SemiBold", "700Bold")
# For papers: whole fonts, as parts of one print Polish and Vietnamese letters garbled.
PACKAGES.append(
    (
        "@expo-google-fonts/inter",
        "0.4.2",
        "OFL-1.1",
        {f"{face}/Inter_{face}.ttf": f"fonts/Inter_{face}.ttf" for face in FONTS},
    )
)
ICONS_PACKAGE = ("@tabler/icons", "3.51.0", "MIT")
ICONS = [
    "alert-triangle",
    "arrow-back-up",
    "arrow-right",
    "arrows-move",
    "bell",
    "bolt",
    "building",
    "calendar",
    "check",
    "chart-bar",
    "checkbox",
    "chevron-down",
    "chevron-left",
    "chevron-right",
    "circle-check",
    "circle-x",
    "clock",
    "coin",
    "copy",
    "device-mobile",
    "dots-vertical",
    "external-link",
    "mail-opened",
    "download",
    "eye",
    "file-text",
    "file-x",
    "file-import",
    "filter",
    "forms",
    "grip-vertical",
    "hand-stop",
    "history",
    "home",
    "info-circle",
    "key",
    "keyboard",
    "layout-kanban",
    "list",
    "lock",
    "logout",
    "mail",
    "message",
    "moon",
    "note",
    "paperclip",
    "pencil",
    "phone",
    "pin",
    "player-pause",
    "player-play",
    "plus",
    "refresh",
    "qrcode",
    "signature",
    "robot",
    "search",
    "send",
    "settings",
    "sun",
    "tag",
    "trash",
    "trophy",
    "user",
    "users",
    "phone",
    "restore",
    "rss",
    "sitemap",
    "git-merge",
    "webhook",
    "world",
    "x",
    "question-mark",
    "link",
    "inbox",
    "device-desktop",
]


class Command(BaseCommand):
    help = "Fetch the pinned front-end packages with npm and rewrite static/vendor; --check only compares hashes."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--check", action="store_true", help="compare the files with vendor.lock.json")

    def handle(self, *args: Any, **options: Any) -> None:
        target = Path(settings.BASE_DIR) / "static" / "vendor"
        if options["check"]:
            self._check(target)
            return
        with tempfile.TemporaryDirectory() as folder:
            wanted = [f"{name}@{version}" for name, version, *_ in [*PACKAGES, ICONS_PACKAGE]]
            subprocess.run(
                ["npm", "install", "--no-save", "--no-audit", "--no-fund", "--prefix", folder, *wanted], check=True
            )
            modules = Path(folder) / "node_modules"
            lock = [self._take(modules, target, *package) for package in PACKAGES]
            lock.append(self._sprite(modules, target))
        (target / "vendor.lock.json").write_text(json.dumps(lock, indent=1) + "\n")

    def _take(self, modules: Path, target: Path, name: str, version: str, licence: str, files: dict[str, str]) -> Any:
        hashes = {}
        for source, place in files.items():
            data = (modules / name / source).read_bytes()
            if place.endswith((".css", ".js")):
                # A map that is not shipped would be asked for, and the static files' manifest would miss it.
                data = re.sub(rb"(/\*# sourceMappingURL=.*?\*/|//# sourceMappingURL=[^\n]*)", b"", data)
            path = target / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            hashes[place] = hashlib.sha256(data).hexdigest()
        return {"package": name, "version": version, "licence": licence, "files": hashes}

    def _sprite(self, modules: Path, target: Path) -> Any:
        """One file of the icons that are used: the whole set weighs two megabytes."""
        name, version, licence = ICONS_PACKAGE
        symbols = []
        for icon in ICONS:
            path = modules / name / "icons" / "outline" / f"{icon}.svg"
            found = re.search(r"<svg[^>]*>(.*)</svg>", path.read_text(), re.S)
            assert found is not None
            inner = re.sub(r"\s+", " ", found.group(1)).replace(
                '<path stroke="none" d="M0 0h24v24H0z" fill="none" />', ""
            )
            symbols.append(
                f'<symbol id="{icon}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" '
                f'stroke-linecap="round" stroke-linejoin="round">{inner.strip()}</symbol>'
            )
        text = f'<svg xmlns="http://www.w3.org/2000/svg"><defs>{"".join(symbols)}</defs></svg>\n'
        (target / "icons.svg").write_text(text)
        hashes = {"icons.svg": hashlib.sha256(text.encode()).hexdigest()}
        return {"package": name, "version": version, "licence": licence, "files": hashes}

    def _check(self, target: Path) -> None:
        for package in json.loads((target / "vendor.lock.json").read_text()):
            for place, wanted in package["files"].items():
                if hashlib.sha256((target / place).read_bytes()).hexdigest() != wanted:
                    raise CommandError(f"static/vendor/{place} is not what vendor.lock.json says")
        self.stdout.write("static/vendor is as locked")
