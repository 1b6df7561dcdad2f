//! An object of a watch that may not be what this version expects: created under another version of
//! its CRD, or stored while the schema was laxer. For one such object, kube fails a whole list. No
//! IO.

use std::{borrow::Cow, sync::Arc};

use k8s_openapi::{api::core::v1::ObjectReference, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::Resource;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};
use serde_json::{Value, value::RawValue};

/// The most characters of an error.
const LONGEST: usize = 256;

/// An object, or what is known of an object that cannot be read.
#[derive(Clone, Debug)]
pub enum Tolerant<K> {
    /// The object, shared with every pass over it.
    Read(Arc<K>),
    /// The object could not be read as a `K`.
    Unreadable(Arc<Unreadable>),
}

/// An object that cannot be read.
#[derive(Clone, Debug)]
pub struct Unreadable {
    /// Its metadata, which Kubernetes keeps valid.
    pub metadata: ObjectMeta,
    /// Which field is wrong, and how.
    pub why: String,
    /// The whole object without its metadata.
    pub content: Value,
}

impl Unreadable {
    /// The object that an Event refers to.
    pub fn reference<K: Resource<DynamicType = ()>>(&self) -> ObjectReference {
        ObjectReference {
            api_version: Some(K::api_version(&()).into_owned()),
            kind: Some(K::kind(&()).into_owned()),
            name: self.metadata.name.clone(),
            namespace: self.metadata.namespace.clone(),
            uid: self.metadata.uid.clone(),
            ..ObjectReference::default()
        }
    }
}

/// Only an object that fails is parsed twice: of ten thousand valid ones, each is parsed once.
impl<'de, K: DeserializeOwned> Deserialize<'de> for Tolerant<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        if let Ok(object) = serde_json::from_str(raw.get()) {
            return Ok(Self::Read(Arc::new(object)));
        }
        let mut content: Value = serde_json::from_str(raw.get()).map_err(D::Error::custom)?;
        let why = match serde_path_to_error::deserialize::<_, K>(&content) {
            Ok(object) => return Ok(Self::Read(Arc::new(object))),
            Err(why) => why.to_string().chars().take(LONGEST).collect(),
        };
        let metadata = content.get_mut("metadata").map(Value::take);
        let metadata = metadata.unwrap_or_default();
        let metadata = serde_json::from_value(metadata).map_err(D::Error::custom)?;
        Ok(Self::Unreadable(Arc::new(Unreadable {
            metadata,
            why,
            content,
        })))
    }
}

impl<K: Resource + Clone> Resource for Tolerant<K> {
    type DynamicType = K::DynamicType;
    type Scope = K::Scope;

    fn kind(of: &Self::DynamicType) -> Cow<'_, str> {
        K::kind(of)
    }

    fn group(of: &Self::DynamicType) -> Cow<'_, str> {
        K::group(of)
    }

    fn version(of: &Self::DynamicType) -> Cow<'_, str> {
        K::version(of)
    }

    fn plural(of: &Self::DynamicType) -> Cow<'_, str> {
        K::plural(of)
    }

    fn meta(&self) -> &ObjectMeta {
        match self {
            Self::Read(object) => object.meta(),
            Self::Unreadable(bad) => &bad.metadata,
        }
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        match self {
            Self::Read(object) => Arc::make_mut(object).meta_mut(),
            Self::Unreadable(bad) => &mut Arc::make_mut(bad).metadata,
        }
    }
}

#[cfg(test)]
mod tests {
    use kube::{
        ResourceExt,
        core::{ObjectList, WatchEvent},
    };
    use psg_api::PasswordSyncGroup;
    use serde_json::json;

    use super::*;

    type Group = Tolerant<PasswordSyncGroup>;

    fn stored(name: &str, spec_name: &Value) -> Value {
        json!({
            "apiVersion": "passwordsync.dev/v1alpha1", "kind": "PasswordSyncGroup",
            "metadata": {"name": name, "namespace": "identity", "uid": name, "resourceVersion": "7"},
            "spec": {"name": spec_name, "passwordPolicyRef": {"name": "P"}, "sourceRefs": []},
        })
    }

    #[test]
    fn one_bad_object_spoils_neither_a_list_nor_a_watch() {
        let good = stored("good", &json!("Good"));
        let bad = stored("bad", &json!(7));
        let list = json!({
            "apiVersion": "passwordsync.dev/v1alpha1", "kind": "PasswordSyncGroupList",
            "metadata": {"resourceVersion": "9"}, "items": [bad, good],
        });
        let list: ObjectList<Group> = serde_json::from_str(&list.to_string()).unwrap();
        let [Tolerant::Unreadable(bad), Tolerant::Read(good)] = &list.items[..] else {
            panic!("{list:?}");
        };
        assert_eq!(good.spec.name, "Good");
        assert_eq!(bad.metadata.resource_version.as_deref(), Some("7"));
        assert!(
            bad.why.starts_with("spec.name: invalid type"),
            "{}",
            bad.why
        );
        let whole = json!(bad.reference::<PasswordSyncGroup>());
        let named = json!({
            "apiVersion": "passwordsync.dev/v1alpha1", "kind": "PasswordSyncGroup",
            "name": "bad", "namespace": "identity", "uid": "bad",
        });
        assert_eq!(whole, named);
        let mut other = list.items[0].clone();
        assert_eq!(other.name_any(), "bad");
        other.meta_mut().name = Some("other".to_owned());
        assert_eq!(other.name_any(), "other");

        // As an API server writes it: the kind of event first.
        let line = format!(
            "{{\"type\":\"MODIFIED\",\"object\":{}}}",
            stored("bad", &json!(null))
        );
        let event: WatchEvent<Group> = serde_json::from_str(&line).unwrap();
        assert!(matches!(
            event,
            WatchEvent::Modified(Tolerant::Unreadable(_))
        ));
    }

    #[test]
    fn it_is_watched_as_what_it_should_be() {
        type Plain = PasswordSyncGroup;
        assert_eq!(Group::kind(&()), Plain::kind(&()));
        assert_eq!(Group::group(&()), Plain::group(&()));
        assert_eq!(Group::version(&()), Plain::version(&()));
        assert_eq!(Group::plural(&()), Plain::plural(&()));
    }

    #[test]
    fn what_is_said_of_it_is_short() {
        let long = json!({ "x".repeat(10_000): 1 });
        let mut bad = stored("bad", &json!("n"));
        bad["spec"]["managementPolicy"] = json!("y".repeat(10_000));
        bad["spec"]["sourceRefs"] = long;
        let Group::Unreadable(bad) = serde_json::from_str(&bad.to_string()).unwrap() else {
            panic!("it was read");
        };
        assert!(bad.why.len() <= LONGEST, "{}", bad.why);
    }

    /// Without a name nothing can be kept for it: the watch lists afresh, as for any broken answer.
    #[test]
    fn what_is_no_object_at_all_is_still_an_error() {
        for text in ["7", "[]", r#"{"spec": {}}"#, r#"{"metadata": {"name": 7}}"#] {
            serde_json::from_str::<Group>(text).unwrap_err();
        }
    }
}
