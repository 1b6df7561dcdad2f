//! One file a behaviour, against a real kube-apiserver.
