"""Registries of types (actions, trigger types, transports …) and the discovery of `crm_plugin.py` modules.

Registry for types, row for happenings: what can be *done* is a class found here, what *was* done is a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Generic, TypeVar

from django.apps import apps
from django.utils.module_loading import module_has_submodule

T = TypeVar("T")


class Registry(Generic[T]):
    """Classes by their `key`, in the order of registration.

    Args:
        base: every registered class must inherit from it.
        required: attributes that a class must set to something non-empty.
        fault: of a class that has them all: what is wrong with it, or empty.
    """

    def __init__(
        self,
        name: str,
        base: type[T],
        required: tuple[str, ...] = ("key", "label"),
        fault: Callable[[type[T]], str] = lambda cls: "",
    ) -> None:
        self.name, self.base, self.required, self.fault = name, base, required, fault
        self._types: dict[str, type[T]] = {}
        self._more: Callable[[], Mapping[str, type[T]]] = dict
        self._derived: dict[str, Any] = {}

    def register(self, cls: type[T]) -> type[T]:
        """Add a class (usable as a decorator). Raises TypeError for a class that could not work."""
        if not (isinstance(cls, type) and issubclass(cls, self.base)):
            raise TypeError(f"{self.name}: {cls!r} does not inherit from {self.base.__name__}")
        for attribute in self.required:
            if not getattr(cls, attribute, None):
                raise TypeError(f"{self.name}: {cls.__name__} has no {attribute}")
        key: str = cls.key  # type: ignore[attr-defined]  # `required` has seen to it
        if not key.replace("_", "").isalnum() or key != key.lower():
            raise TypeError(f"{self.name}: the key {key!r} is not lower_snake_case")
        if self._types.get(key, cls) is not cls:
            raise TypeError(f"{self.name}: {key!r} is taken by {self._types[key].__name__}")
        fault = self.fault(cls)
        if fault:
            raise TypeError(f"{self.name}: {cls.__name__} {fault}")
        self._types[key] = cls
        self._derived.clear()
        return cls

    def derived(self, name: str, make: Callable[[Registry[T]], Any]) -> Any:
        """Something made of all classes, kept until another one registers."""
        if name not in self._derived:
            self._derived[name] = make(self)
        return self._derived[name]

    def also(self, more: Callable[[], Mapping[str, type[T]]]) -> None:
        """Types that come and go while we run, by their keys: asked each time, so `more` keeps what it knows for a while.

        One with `is_gone` is found by its key alone, for what was placed before it went.
        """
        self._more = more

    def get(self, key: str) -> type[T] | None:
        """The class, or None where its app is no longer installed: callers show a readable stand-in."""
        return self._types.get(key) or self._more().get(key)

    def choices(self) -> list[tuple[str, str]]:
        return [(cls.key, str(cls.label)) for cls in self]  # type: ignore[attr-defined]  # `required` has seen to it

    def of_code(self) -> Iterator[type[T]]:
        """Those of installed code alone; costs nothing."""
        return iter(list(self._types.values()))

    def __iter__(self) -> Iterator[type[T]]:
        yield from self.of_code()
        yield from (cls for cls in self._more().values() if not getattr(cls, "is_gone", False))

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

    @contextmanager
    def temporarily(self, *classes: type[T]) -> Iterator[None]:
        """Register for the length of a with-block; tests leave no trace."""
        before = dict(self._types)
        try:
            for cls in classes:
                self.register(cls)
            yield
        finally:
            self._types = before
            self._derived.clear()


def discover() -> None:
    """Import `crm_plugin` of every installed app. One distinctive name, so that nothing is imported by accident."""
    for config in apps.get_app_configs():
        if config.module is not None and module_has_submodule(config.module, "crm_plugin"):
            import_module(f"{config.name}.crm_plugin")
