//! The mapping rules of workspaces: checked before they are kept, compiled once, ready for each request.
//!
//! A request takes the compiled rules of its workspace once and maps all its spans with them. A change compiles the
//! rules anew and puts them in the place of the old ones; requests that run go on with those that they took. One
//! process serves a data folder, so nobody else changes the rules meanwhile.

use std::sync::Arc;

use clearspan_catalog::{Catalog, MappingRule, RuleContent, RuleId};
use clearspan_mapping::rules::{MAX_RULES, Rule, RuleError, Rules};
use clearspan_model::{UnixNanos, WorkspaceId};
use parking_lot::{Mutex, RwLock};
use rustc_hash::FxHashMap;

/// Why a change of the rules was refused.
#[derive(Debug)]
pub(crate) enum RuleRefusal {
    /// The rule says something that the mapping cannot do.
    Unusable(RuleError),
    /// The workspace has as many rules as it may have.
    Full,
    /// The catalog refused it: the name is taken, or the disk does not work.
    Catalog(clearspan_catalog::Error),
}

impl From<clearspan_catalog::Error> for RuleRefusal {
    fn from(err: clearspan_catalog::Error) -> Self {
        Self::Catalog(err)
    }
}

/// Keeps and compiles rules. Its methods block, apart from those that find the rules compiled.
#[derive(Debug)]
pub(crate) struct Rulebook {
    catalog: Arc<dyn Catalog>,
    compiled: RwLock<FxHashMap<WorkspaceId, Arc<Rules>>>,
    /// Held from a change to its compilation, so that the rules in use are always those of the last change.
    changing: Mutex<()>,
}

impl Rulebook {
    pub(crate) fn new(catalog: Arc<dyn Catalog>) -> Self {
        Self { catalog, compiled: RwLock::default(), changing: Mutex::default() }
    }

    /// The rules in use. Blocks the first time only.
    pub(crate) fn in_use(&self, workspace_id: WorkspaceId) -> clearspan_catalog::Result<Arc<Rules>> {
        if let Some(rules) = self.compiled.read().get(&workspace_id) {
            return Ok(Arc::clone(rules));
        }
        let _changing = self.changing.lock();
        self.compile(workspace_id)
    }

    /// All rules, the strongest first.
    pub(crate) fn list(&self, workspace_id: WorkspaceId) -> clearspan_catalog::Result<Vec<MappingRule>> {
        self.catalog.list_rules(workspace_id)
    }

    pub(crate) fn create(
        &self,
        workspace_id: WorkspaceId,
        content: RuleContent,
        now: UnixNanos,
    ) -> Result<MappingRule, RuleRefusal> {
        check(&content)?;
        let _changing = self.changing.lock();
        if self.catalog.list_rules(workspace_id)?.len() >= MAX_RULES {
            return Err(RuleRefusal::Full);
        }
        let created = self.catalog.create_rule(workspace_id, content, now)?;
        self.compile(workspace_id)?;
        Ok(created)
    }

    /// `None` when there is no such rule.
    pub(crate) fn update(
        &self,
        workspace_id: WorkspaceId,
        rule_id: RuleId,
        content: RuleContent,
        now: UnixNanos,
    ) -> Result<Option<MappingRule>, RuleRefusal> {
        check(&content)?;
        let _changing = self.changing.lock();
        let updated = self.catalog.update_rule(workspace_id, rule_id, content, now)?;
        self.compile(workspace_id)?;
        Ok(updated)
    }

    /// False when there is no such rule.
    pub(crate) fn delete(
        &self,
        workspace_id: WorkspaceId,
        rule_id: RuleId,
    ) -> clearspan_catalog::Result<bool> {
        let _changing = self.changing.lock();
        let deleted = self.catalog.delete_rule(workspace_id, rule_id)?;
        self.compile(workspace_id)?;
        Ok(deleted)
    }

    /// The rules in their new order.
    pub(crate) fn order(
        &self,
        workspace_id: WorkspaceId,
        rule_ids: &[RuleId],
    ) -> clearspan_catalog::Result<Vec<MappingRule>> {
        let _changing = self.changing.lock();
        let ordered = self.catalog.order_rules(workspace_id, rule_ids)?;
        self.compile(workspace_id)?;
        Ok(ordered)
    }

    /// This rule and no other.
    pub(crate) fn alone(&self, content: &RuleContent) -> Result<Rules, RuleRefusal> {
        check(content)
    }

    /// The rules that would be in use if this one were added, or took the place of another.
    pub(crate) fn with(
        &self,
        workspace_id: WorkspaceId,
        content: RuleContent,
        replaces: Option<RuleId>,
    ) -> Result<Rules, RuleRefusal> {
        check(&content)?;
        let mut contents: Vec<RuleContent> = Vec::new();
        let mut waiting = Some(content);
        for rule in self.catalog.list_rules(workspace_id)? {
            match waiting.take_if(|_| Some(rule.id) == replaces) {
                Some(content) => contents.push(content),
                None => contents.push(rule.content),
            }
        }
        // A workspace that is full may try one more.
        contents.truncate(MAX_RULES - 1 + usize::from(waiting.is_none()));
        contents.extend(waiting);
        Ok(compile_usable(contents.into_iter()))
    }

    /// Puts what the catalog says to use. The caller holds `changing`.
    fn compile(&self, workspace_id: WorkspaceId) -> clearspan_catalog::Result<Arc<Rules>> {
        let rules = self.catalog.list_rules(workspace_id)?;
        let compiled = Arc::new(compile_usable(rules.into_iter().map(|rule| rule.content)));
        self.compiled.write().insert(workspace_id, Arc::clone(&compiled));
        Ok(compiled)
    }
}

/// The rule by itself, if it can be used.
fn check(content: &RuleContent) -> Result<Rules, RuleRefusal> {
    Rules::compile(&[to_rule(content)]).map_err(RuleRefusal::Unusable)
}

/// The rules that are switched on. One that another version kept and this one cannot use is left out: it must not stop
/// runs from being taken.
fn compile_usable(contents: impl Iterator<Item = RuleContent>) -> Rules {
    let mut rules: Vec<Rule> =
        contents.filter(|content| content.enabled).map(|content| to_rule(&content)).collect();
    loop {
        match Rules::compile(&rules) {
            Ok(compiled) => return compiled,
            Err(err) => {
                let rule = rules.remove(err.index);
                tracing::warn!(rule = rule.name, error = %err, "a mapping rule cannot be used");
            }
        }
    }
}

fn to_rule(content: &RuleContent) -> Rule {
    Rule {
        name: content.name.as_str().to_owned(),
        attribute: content.attribute.clone(),
        field: content.field.clone(),
    }
}

#[cfg(test)]
mod tests;
