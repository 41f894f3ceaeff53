"""The section `otlp` of Prometheus' configuration file."""

from typing import Self

from pydantic import model_validator

from gnomon.ingest.otlp_names import TranslationStrategy
from gnomon.ingest.scraping.file_sections import Section
from gnomon.ingest.settings import OtlpSettings


class OtlpSection(Section):
    """How OTLP metrics become series."""

    promote_all_resource_attributes: bool = False
    promote_resource_attributes: tuple[str, ...] = ()
    ignore_resource_attributes: tuple[str, ...] = ()
    translation_strategy: TranslationStrategy = TranslationStrategy.UNDERSCORES_WITH_SUFFIXES
    keep_identifying_resource_attributes: bool = False
    convert_histograms_to_nhcb: bool = False
    promote_scope_metadata: bool = False
    label_name_underscore_sanitization: bool = True
    label_name_preserve_multiple_underscores: bool = True

    @model_validator(mode="after")
    def _check_attributes(self) -> Self:
        if self.promote_all_resource_attributes and self.promote_resource_attributes:
            both = "'promote_all_resource_attributes' and 'promote_resource_attributes'"
            raise ValueError(f"{both} cannot be configured simultaneously")
        if self.ignore_resource_attributes and not self.promote_all_resource_attributes:
            raise ValueError(
                "'ignore_resource_attributes' cannot be configured unless 'promote_all_resource_attributes' is true"
            )
        return self

    def settings(self, max_delta_streams: int) -> OtlpSettings:
        """Return what the translation needs to be told."""
        return OtlpSettings(
            translation_strategy=self.translation_strategy,
            promote_resource_attributes=frozenset(self.promote_resource_attributes),
            promote_all_resource_attributes=self.promote_all_resource_attributes,
            ignore_resource_attributes=frozenset(self.ignore_resource_attributes),
            keep_identifying_resource_attributes=self.keep_identifying_resource_attributes,
            promote_scope_metadata=self.promote_scope_metadata,
            convert_histograms_to_nhcb=self.convert_histograms_to_nhcb,
            label_name_underscore_sanitization=self.label_name_underscore_sanitization,
            label_name_preserve_multiple_underscores=self.label_name_preserve_multiple_underscores,
            max_delta_streams=max_delta_streams,
        )
