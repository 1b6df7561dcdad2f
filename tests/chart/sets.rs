//! Sets of values that people install the chart with, each under a name.

/// A name and a file of values.
pub struct Set {
    pub name: &'static str,
    pub values: &'static str,
}

const fn set(name: &'static str, values: &'static str) -> Set {
    Set { name, values }
}

/// Every set. Namespaces and classes that they name are in every cluster.
pub const ALL: &[Set] = &[
    set("the defaults", "{}"),
    set(
        "two namespaces",
        "watchNamespaces: [default, kube-public]\nallowHosts: [api.example.com]",
    ),
    set("Secrets that are not held", "protectSecrets: false"),
    set(
        "an account that exists",
        "serviceAccount: {create: false, name: theirs}",
    ),
    set(
        "an account with another name",
        "serviceAccount: {name: other, annotations: {example.com/role: reader}}",
    ),
    set(
        "a private registry",
        "image: {registry: 'registry.example.com:5000', repository: team/psg-operator, tag: v1}
imagePullSecrets: [{name: registry}, {name: mirror}]",
    ),
    set(
        "a mirror and a digest",
        "global: {imageRegistry: mirror.example.com/psg, ofTheParent: {any: thing}}
image:
  registry: registry.example.com
  digest: sha256:0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a
  pullPolicy: Always",
    ),
    set("another name", "nameOverride: sync"),
    set("another full name", "fullnameOverride: sync-groups"),
    set(
        "labels",
        "commonLabels: {team: identity, example.com/cost: '42'}
podLabels: {team: sync}
podAnnotations: {example.com/scrape: 'yes'}",
    ),
    set("OpenShift", "openshift: true"),
    set(
        "OpenShift and its DNS",
        "openshift: true\nnetworkPolicy: {enabled: true, egress: {dns: {ports: [53, 5353]}}}",
    ),
    set(
        "the image's own user",
        "podSecurityContext: {runAsUser: null, runAsGroup: null}",
    ),
    set(
        "an audit file on a volume",
        "audit: {log: /var/log/psg/audit.jsonl, annotations: [example.com/ticket]}
podSecurityContext: {fsGroup: 65532}
extraVolumes: [{name: audit, persistentVolumeClaim: {claimName: psg-audit}}]
extraVolumeMounts: [{name: audit, mountPath: /var/log/psg}]",
    ),
    set(
        "an audit file that a container sends away",
        "audit: {log: /var/log/psg/audit.jsonl}
extraVolumes: [{name: audit, emptyDir: {sizeLimit: 1Gi}}]
extraVolumeMounts: [{name: audit, mountPath: /var/log/psg}]
extraContainers:
  - name: shipper
    image: shipper:v1
    volumeMounts: [{name: audit, mountPath: /var/log/psg}]
    securityContext:
      allowPrivilegeEscalation: false
      capabilities: {drop: [ALL]}",
    ),
    set(
        "one replica and one volume",
        "replicaCount: 1
strategy: {type: Recreate}
audit: {log: /var/log/psg/audit.jsonl}
extraVolumes: [{name: audit, persistentVolumeClaim: {claimName: psg-audit}}]
extraVolumeMounts: [{name: audit, mountPath: /var/log}]",
    ),
    set(
        "an authority of one's own",
        "extraEnv: [{name: SSL_CERT_FILE, value: /etc/psg/ca/bundle.pem}]
extraVolumes: [{name: ca, configMap: {name: ca-bundle}}]
extraVolumeMounts: [{name: ca, mountPath: /etc/psg/ca, readOnly: true}]",
    ),
    set(
        "behind a proxy that signs what passes it",
        "tenantProxy: {secret: {name: tenant-proxy}}
tenantCA: {configMap: ca-bundle, key: bundle.pem}
networkPolicy: {enabled: true, egress: {tenants: {ports: [3128]}}}",
    ),
    set(
        "a proxy without credentials",
        "tenantProxy: {url: 'http://proxy.example.com:3128'}
tenantCA: {secret: ca}
audit: {log: /var/log/psg/audit.jsonl}
extraVolumes: [{name: audit, persistentVolumeClaim: {claimName: psg-audit}}]
extraVolumeMounts: [{name: audit, mountPath: /var/log/psg}]",
    ),
    set(
        "the proxy of the environment",
        "tenantProxy: {url: environment}
extraEnv:
  - {name: HTTPS_PROXY, value: 'http://proxy.example.com:3128'}
  - {name: NO_PROXY, value: '10.0.0.0/8'}",
    ),
    set("no audit trail", "audit: {log: 'off'}"),
    set(
        "more flags and variables",
        "logFormat: text
logLevel: info,psg_controller=debug
extraArgs: [--resync=5m, --settle=40s]
extraEnv:
  - {name: PSG_PROBE_INTERVAL, value: 20m}
  - {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}",
    ),
    set(
        "chosen nodes",
        "priorityClassName: system-cluster-critical
nodeSelector: {kubernetes.io/os: linux}
tolerations: [{key: node-role.kubernetes.io/infra, operator: Exists, effect: NoSchedule}]
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 1
        podAffinityTerm:
          topologyKey: topology.kubernetes.io/zone
          labelSelector: {matchLabels: {app.kubernetes.io/name: psg-operator}}",
    ),
    set("no spread", "topologySpreadConstraints: []"),
    set(
        "a spread over zones",
        "topologySpreadConstraints:
  - {maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: DoNotSchedule}
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector: {matchLabels: {team: identity}}",
    ),
    set(
        "other resources",
        "resources: {requests: {cpu: 1, memory: 1Gi}, limits: {memory: 1Gi}}",
    ),
    set("a budget", "podDisruptionBudget: {enabled: true}"),
    set(
        "a budget of three",
        "replicaCount: 3\npodDisruptionBudget: {enabled: true, minAvailable: 2}",
    ),
    set(
        "a budget in per cent",
        "podDisruptionBudget: {enabled: true, maxUnavailable: 50%}",
    ),
    set(
        "a budget of one replica",
        "replicaCount: 1\npodDisruptionBudget: {enabled: true, minAvailable: 0}",
    ),
    set(
        "stopped",
        "replicaCount: 0\nrevisionHistoryLimit: 0\nterminationGracePeriodSeconds: 60",
    ),
    set("a network policy", "networkPolicy: {enabled: true}"),
    set(
        "a narrow network policy",
        "networkPolicy:
  enabled: true
  ingress:
    from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]
  egress:
    dns:
      to:
        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}
          podSelector: {matchLabels: {k8s-app: kube-dns}}
    apiServer: {ports: [6443], to: [{ipBlock: {cidr: 192.0.2.10/32}}]}
    tenants: {to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8, 192.168.0.0/16]}}]}
    extra: [{ports: [{port: 8443, protocol: TCP}], to: [{ipBlock: {cidr: 192.0.2.20/32}}]}]",
    ),
    set("no Service", "metrics: {service: {enabled: false}}"),
    set(
        "metrics by a proxy beside it",
        "extraArgs: ['--metrics-listen=127.0.0.1:9090']\nmetrics: {service: {enabled: false}}",
    ),
    set(
        "a ServiceMonitor",
        "metrics:
  service: {annotations: {example.com/scrape: 'yes'}}
  serviceMonitor:
    enabled: true
    namespace: monitoring
    labels: {release: prometheus}
    interval: 1m
    scrapeTimeout: 10s
    relabelings: [{sourceLabels: [__meta_kubernetes_pod_node_name], targetLabel: node}]
    metricRelabelings: [{regex: result, action: labeldrop}]",
    ),
    set(
        "a PodMonitor",
        "commonLabels: {release: all}
metrics: {service: {enabled: false}, podMonitor: {enabled: true, labels: {release: prometheus}}}",
    ),
    set(
        "a dashboard",
        "metrics: {dashboard: {enabled: true, namespace: default, annotations: {grafana_folder: Identity}}}",
    ),
    set(
        "alerts",
        "metrics:
  prometheusRule:
    enabled: true
    namespace: monitoring
    labels: {release: prometheus}
    alertLabels: {team: identity}
    disabled: [PsgDriftRepeats]
    tenantNotReadSeconds: 7200
    runbooks: https://wiki.example.com/psg",
    ),
    set(
        "more objects",
        "extraObjects:
  - apiVersion: v1
    kind: ConfigMap
    metadata: {name: '{{ .Release.Name }}-more', namespace: '{{ .Release.Namespace }}'}
    data: {a: b}
  - |
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: as-text, namespace: {{ .Release.Namespace }}}",
    ),
    set("definitions of somebody else", "crds: {install: false}"),
    set(
        "definitions that go with the release",
        "crds: {keep: false}",
    ),
    set(
        "a locked-down cluster",
        "watchNamespaces: [default]
image:
  registry: registry.example.com
  digest: sha256:0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a
imagePullSecrets: [{name: registry}]
priorityClassName: system-cluster-critical
commonLabels: {team: identity}
podDisruptionBudget: {enabled: true}
networkPolicy:
  enabled: true
  ingress:
    from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]
metrics:
  podMonitor: {enabled: true, labels: {release: prometheus}}
  prometheusRule: {enabled: true, labels: {release: prometheus}}
audit: {log: /var/log/psg/audit.jsonl}
podSecurityContext: {fsGroup: 65532}
extraVolumes: [{name: audit, persistentVolumeClaim: {claimName: psg-audit}}]
extraVolumeMounts: [{name: audit, mountPath: /var/log/psg}]",
    ),
];
