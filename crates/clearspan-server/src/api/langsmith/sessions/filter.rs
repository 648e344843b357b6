//! `filter` of projects: `and(eq(name, "demo"), has(metadata, '{"model": "m"}'))`.

use std::borrow::Cow;

use clearspan_catalog::{Project, ProjectDetails};
use clearspan_model::UnixNanos;
use clearspan_query::langsmith::{ProjectField, ProjectFilter, parse_project_filter};

use super::super::asked::complain;
use super::super::examples::on_metadata;
use super::metadata_of;
use crate::api::error::Result;

pub(in crate::api::langsmith) fn parse(text: &str) -> Result<ProjectFilter> {
    parse_project_filter(text).map_err(|complaint| complain("filter", &complaint))
}

pub(in crate::api::langsmith) fn holds(
    filter: &ProjectFilter,
    project: &Project,
    details: &ProjectDetails,
) -> bool {
    let inner = |filter: &ProjectFilter| holds(filter, project, details);
    let text = |field: &ProjectField| text_of(*field, project, details);
    match filter {
        ProjectFilter::All(filters) => filters.iter().all(inner),
        ProjectFilter::Any(filters) => filters.iter().any(inner),
        ProjectFilter::Not(filter) => !inner(filter),
        ProjectFilter::Is(field, texts) => {
            text(field).is_some_and(|text| texts.iter().any(|one| *one == text))
        }
        ProjectFilter::Contains(field, part) => {
            text(field).is_some_and(|text| text.to_lowercase().contains(&part.to_lowercase()))
        }
        ProjectFilter::Has(field) => text(field).is_some(),
        ProjectFilter::StartedBefore(time) => began(project, details) < *time,
        ProjectFilter::StartedAfter(time) => began(project, details) > *time,
        ProjectFilter::Metadata(filter) => on_metadata(filter.clone()).holds(&metadata_of(details).into()),
    }
}

/// When a project began, as it says or as it was made.
pub(in crate::api::langsmith) fn began(project: &Project, details: &ProjectDetails) -> UnixNanos {
    details.start_time.unwrap_or(project.created_at)
}

fn text_of<'p>(
    field: ProjectField,
    project: &'p Project,
    details: &'p ProjectDetails,
) -> Option<Cow<'p, str>> {
    match field {
        ProjectField::Id => Some(Cow::Owned(project.id.to_string())),
        ProjectField::Name => Some(Cow::Borrowed(project.name.as_str())),
        ProjectField::Description => details.description.as_deref().map(Cow::Borrowed),
        ProjectField::ReferenceDatasetId => details.reference_dataset_id.map(|id| Cow::Owned(id.to_string())),
    }
}
