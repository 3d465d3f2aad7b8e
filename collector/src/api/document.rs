//! The OpenAPI document: what the macros collect, and what they cannot say.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use serde_json::Value;
use utoipa::openapi::schema::{ArrayBuilder, ArrayItems, Object, ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    Components, ContentBuilder, OpenApi, OpenApiBuilder, PathItem, Ref, RefOr, ResponseBuilder,
};
use utoipa::{PartialSchema as _, ToSchema};

use super::error::{Error, Problem};
use super::events::HelloEvent;
use super::reply::Time;
use crate::identity::{screen, session};

/// The only field of an answer that may be missing.
const OPTIONAL: (&str, &str) = ("Problem", "errors");

/// Title and ways to authenticate.
pub(super) fn frame() -> OpenApi {
    let info = utoipa::openapi::InfoBuilder::new()
        .title("Farwatch")
        .version("v1")
        .description(Some("Routers nobody can reach: what agents see of them."))
        .license(Some(utoipa::openapi::License::new("Apache-2.0")))
        .build();
    OpenApiBuilder::new().info(info).components(Some(Components::new())).build()
}

/// Adds errors, events and authentication, and says which fields are always there.
pub(super) fn finished(mut document: OpenApi) -> OpenApi {
    let mut components = document.components.take().unwrap_or_default();
    let mut collected = vec![
        (Problem::name().into_owned(), Problem::schema()),
        (HelloEvent::name().into_owned(), HelloEvent::schema()),
    ];
    Problem::schemas(&mut collected);
    HelloEvent::schemas(&mut collected);
    components.schemas.extend(collected);
    let requests = requests(&document, &components);
    for (name, schema) in &mut components.schemas {
        if !requests.contains(name) {
            require_all(name, schema);
        }
    }
    event_schemas(&mut components);
    let cookie = ApiKeyValue::new(session::COOKIE);
    components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    let cookie = ApiKeyValue::new(screen::COOKIE);
    components.add_security_scheme("screen", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    components.add_security_scheme("api_key", SecurityScheme::Http(bearer));
    document.components = Some(components);
    let any =
        |name: &str| utoipa::openapi::SecurityRequirement::new::<_, [&str; 0], &str>(name, []);
    document.security = Some(vec![any("session"), any("api_key"), any("screen")]);
    add_problems(&mut document);
    document
}

/// What clients send, with all that is in it: a field that may be left out is optional there. All
/// other things are answers, where every field is always there.
fn requests(document: &OpenApi, components: &Components) -> BTreeSet<String> {
    // A document of our own can be written.
    let paths = serde_json::to_value(&document.paths).unwrap_or_default();
    let schemas = serde_json::to_value(&components.schemas).unwrap_or_default();
    let items = paths.as_object().into_iter().flat_map(|paths| paths.values());
    let operations = items.filter_map(|item| item.as_object()).flat_map(|item| item.values());
    let mut found = BTreeSet::new();
    let mut open: Vec<String> =
        operations.flat_map(|operation| references(&operation["requestBody"])).collect();
    while let Some(name) = open.pop() {
        if found.insert(name.clone()) {
            open.extend(references(&schemas[&name]));
        }
    }
    found
}

/// Names of the components that are referred to anywhere inside.
fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => {
            let inside = fields.values().flat_map(references);
            let own = fields.get("$ref").and_then(Value::as_str);
            inside.chain(own.and_then(|path| path.rsplit('/').next()).map(str::to_owned)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

fn require_all(name: &str, schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) => {
            let always =
                object.properties.keys().filter(|field| (name, field.as_str()) != OPTIONAL);
            object.required = always.cloned().collect();
            // Generic answers hold their thing in place, not by reference.
            for part in object.properties.values_mut() {
                require_all(name, part);
            }
        }
        RefOr::T(Schema::Array(array)) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                require_all(name, items);
            }
        }
        RefOr::T(Schema::AllOf(parts)) => {
            for part in &mut parts.items {
                require_all(name, part);
            }
        }
        _ => {}
    }
}

/// A patch is its thing with only the changed fields, and the key that says of which one.
fn event_schemas(components: &mut Components) {
    for (thing, key) in
        [("Device", "id"), ("Interface", "object"), ("Agent", "id"), ("Alert", "id")]
    {
        let Some(RefOr::T(Schema::Object(object))) = components.schemas.get(thing) else {
            continue;
        };
        let mut patch: Object = object.clone();
        patch.required = vec![key.to_owned()];
        patch.description = Some("Only the fields that changed.".to_owned());
        components.schemas.insert(format!("{thing}Patch"), RefOr::T(patch.into()));
    }
    let patches = |of: &str| ArrayBuilder::new().items(Ref::from_schema_name(of));
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let event = |of: &str| {
        ObjectBuilder::new()
            .property("patches", patches(of))
            .required("patches")
            .property("committed_at", Ref::from_schema_name(Time::name()))
    };
    // To be taken out before the patches are taken in.
    let removed = || ArrayBuilder::new().items(text());
    let interfaces = event("InterfacePatch").property("device", text()).required("device");
    let events = [
        ("DevicesEvent", event("DevicePatch").property("removed", removed())),
        ("InterfacesEvent", interfaces.property("removed", removed())),
        ("AgentsEvent", event("AgentPatch")),
        ("AlertsEvent", event("AlertPatch").property("removed", removed())),
    ];
    for (name, schema) in events {
        components.schemas.insert(name.to_owned(), RefOr::T(schema.build().into()));
    }
}

fn add_problems(document: &mut OpenApi) {
    let content =
        ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
    let problem = ResponseBuilder::new()
        .description("What went wrong")
        .content(super::error::PROBLEM_JSON, content)
        .build();
    for item in document.paths.paths.values_mut() {
        let PathItem { get, put, post, patch, delete, .. } = item;
        let operations = [get, put, post, patch, delete];
        for operation in operations.into_iter().flatten() {
            operation.responses.responses.insert("default".to_owned(), RefOr::T(problem.clone()));
        }
    }
}

/// This document
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "meta", security(()),
    responses((status = 200, content_type = "application/json")))]
pub(super) async fn openapi_json() -> Result<Response, Error> {
    // Anybody may ask, so it is made once.
    static TEXT: OnceLock<Bytes> = OnceLock::new();
    let text = match TEXT.get() {
        Some(text) => text.clone(),
        None => {
            let text = super::openapi().to_pretty_json().map_err(Error::internal)?;
            TEXT.get_or_init(|| text.into()).clone()
        }
    };
    Ok(([(CONTENT_TYPE, "application/json")], text).into_response())
}
