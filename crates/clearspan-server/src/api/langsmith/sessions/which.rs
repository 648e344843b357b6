//! Which projects a list wants: what both versions of the protocol ask in the same words.

use clearspan_catalog::{DatasetId, ExampleFilter, Project, ProjectDetails};
use clearspan_model::ProjectId;
use clearspan_query::langsmith::ProjectFilter;

use super::super::input::{object_of_text, parse_id};
use super::{filter, metadata_of};
use crate::api::error::Result;

/// Every condition that is given has to hold.
#[derive(Debug, Default, PartialEq)]
pub(in crate::api::langsmith) struct Which {
    /// One of these, unless there are none.
    ids: Vec<ProjectId>,
    pub(super) name: Option<String>,
    /// In small letters.
    name_contains: Option<String>,
    /// Experiments on one of these. None is meant where the list is empty.
    pub(in crate::api::langsmith) reference_datasets: Option<Vec<DatasetId>>,
    /// What the metadata contains.
    metadata: Option<ExampleFilter>,
    pub(super) filter: Option<ProjectFilter>,
}

impl Which {
    /// Reads a parameter, if it is one of these.
    pub(in crate::api::langsmith) fn take(&mut self, key: &str, value: &str) -> Result<()> {
        match key {
            "id" => self.ids.push(parse_id("session id", value)?),
            "name" => self.name = Some(value.to_owned()),
            "name_contains" => self.name_contains = Some(value.to_lowercase()),
            "metadata" => self.metadata = Some(ExampleFilter::Contains(object_of_text(key, value)?)),
            "filter" if !value.trim().is_empty() => self.filter = Some(filter::parse(value)?),
            _ => {}
        }
        Ok(())
    }

    pub(in crate::api::langsmith) fn add_dataset(&mut self, id: DatasetId) {
        self.reference_datasets.get_or_insert_default().push(id);
    }

    pub(in crate::api::langsmith) fn holds(&self, project: &Project, details: &ProjectDetails) -> bool {
        let name = project.name.as_str();
        let is_on = |ids: &Vec<DatasetId>| details.reference_dataset_id.is_some_and(|id| ids.contains(&id));
        (self.ids.is_empty() || self.ids.contains(&project.id))
            && self.name.as_deref().is_none_or(|wanted| wanted == name)
            && self.name_contains.as_ref().is_none_or(|part| name.to_lowercase().contains(part))
            && self.reference_datasets.as_ref().is_none_or(is_on)
            && self.metadata.as_ref().is_none_or(|part| part.holds(&metadata_of(details).into()))
            && self.filter.as_ref().is_none_or(|filter| filter::holds(filter, project, details))
    }
}
