//! What a probe has found beside the interfaces: processors, memory, disks, sensors, parts.

use std::collections::BTreeMap;

use farwatch_common::sample::{Row, Schema};
use farwatch_proto::v1::{ObjectFacts, ObjectTable};
use serde::Serialize;

/// By kind, in the order of their indexes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProbeObjects {
    pub processors: Vec<ProbeObject>,
    pub memory: Vec<ProbeObject>,
    pub storage: Vec<ProbeObject>,
    pub sensors: Vec<ProbeObject>,
    pub parts: Vec<ProbeObject>,
}

/// One object; numbers are decimal text. What only parts have is left out where it is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProbeObject {
    pub object: String,
    pub name: String,
    pub kind: String,
    pub metrics: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub parent: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub vendor: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub model: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub serial: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hardware_revision: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub firmware_revision: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub software_revision: String,
}

impl ProbeObjects {
    /// Takes the numbers of a row; those of the device itself go into `system`.
    pub(super) fn take_row(
        &mut self,
        row: &Row,
        schema: &Schema,
        system: &mut BTreeMap<String, String>,
    ) {
        for (object, metric, text) in super::values(row, schema) {
            if object.is_empty() {
                system.insert(metric, text);
            } else if let Some(known) = self.object(object) {
                known.metrics.insert(metric, text);
            }
        }
    }

    /// Takes what objects are.
    pub(super) fn take_table(&mut self, table: ObjectTable) {
        for facts in table.objects {
            if let Some(known) = self.object(&facts.object) {
                let metrics = std::mem::take(&mut known.metrics);
                *known = ProbeObject { metrics, ..facts.into() };
            }
        }
    }

    /// The object of this name, which may be new; `None` if it is of no kind that is shown.
    fn object(&mut self, name: &str) -> Option<&mut ProbeObject> {
        let (kind, _) = name.split_once(':')?;
        let list = match kind {
            "cpu" => &mut self.processors,
            "memory" => &mut self.memory,
            "storage" => &mut self.storage,
            "sensor" => &mut self.sensors,
            "part" => &mut self.parts,
            _ => return None,
        };
        let at = list.iter().position(|known| known.object == name).unwrap_or_else(|| {
            list.push(ProbeObject { object: name.to_owned(), ..ProbeObject::default() });
            list.len() - 1
        });
        list.get_mut(at)
    }
}

impl From<ObjectFacts> for ProbeObject {
    fn from(facts: ObjectFacts) -> Self {
        Self {
            object: facts.object,
            name: facts.name,
            kind: facts.kind,
            metrics: BTreeMap::new(),
            description: facts.description,
            parent: facts.parent,
            vendor: facts.vendor,
            model: facts.model,
            serial: facts.serial,
            hardware_revision: facts.hardware_revision,
            firmware_revision: facts.firmware_revision,
            software_revision: facts.software_revision,
        }
    }
}
