{{/* Values that cannot work together. The schema refuses what a single value cannot be. */}}
{{- define "psg-operator.refuse" -}}
{{- include "psg-operator.refuse.arguments" . -}}
{{- include "psg-operator.refuse.tenants" . -}}
{{- include "psg-operator.refuse.volumes" . -}}
{{- include "psg-operator.refuse.metrics" . -}}
{{- include "psg-operator.refuse.budget" . -}}
{{- end -}}

{{/* clap refuses a flag that is given twice, and rights follow the chart's values alone. */}}
{{- define "psg-operator.refuse.arguments" -}}
{{- $values := dict "--watch-namespace" "watchNamespaces" "--allow-host" "allowHosts" "--tenant-proxy" "tenantProxy" "--tenant-ca" "tenantCA" "--audit-log" "audit.log" "--audit-annotations" "audit.annotations" "--log-format" "logFormat" "--log-level" "logLevel" -}}
{{- $set := list "--listen" "--lease" "--lease-namespace" "--lease-identity" -}}
{{- range .Values.extraArgs -}}
{{- $flag := splitList "=" . | first -}}
{{- with get $values $flag -}}
{{- fail (printf "extraArgs: leave %s out, and set %s instead" $flag .) -}}
{{- end -}}
{{- if has $flag $set -}}
{{- fail (printf "extraArgs: leave %s out, since the chart sets it" $flag) -}}
{{- end -}}
{{- end -}}
{{- $values := dict "PSG_WATCH_NAMESPACES" "watchNamespaces" "PSG_ALLOW_HOSTS" "allowHosts" "PSG_TENANT_PROXY" "tenantProxy" "PSG_TENANT_CA" "tenantCA" "PSG_AUDIT_LOG" "audit.log" "PSG_AUDIT_ANNOTATIONS" "audit.annotations" "PSG_LOG_FORMAT" "logFormat" "RUST_LOG" "logLevel" -}}
{{- $set := list "PSG_LISTEN" "PSG_LEASE" "PSG_LEASE_NAMESPACE" "POD_NAME" -}}
{{- range .Values.extraEnv -}}
{{- $name := .name -}}
{{- with get $values $name -}}
{{- fail (printf "extraEnv: leave %s out, and set %s instead" $name .) -}}
{{- end -}}
{{- if has $name $set -}}
{{- fail (printf "extraEnv: leave %s out, since the chart sets it" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* One way to tenants, and one that the NetworkPolicy lets through. */}}
{{- define "psg-operator.refuse.tenants" -}}
{{- $proxy := .Values.tenantProxy -}}
{{- if and $proxy.url $proxy.secret.name -}}
{{- fail "tenantProxy: set url or secret.name, since the operator uses one proxy" -}}
{{- end -}}
{{- if and .Values.tenantCA.configMap .Values.tenantCA.secret -}}
{{- fail "tenantCA: set configMap or secret, since the operator reads one file" -}}
{{- end -}}
{{- if and .Values.networkPolicy.enabled (hasPrefix "http" $proxy.url) -}}
{{- $url := urlParse $proxy.url -}}
{{- $usual := ternary "443" "80" (eq $url.scheme "https") -}}
{{- $port := regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) | default $usual | int -}}
{{- $open := list -}}
{{- range .Values.networkPolicy.egress.tenants.ports -}}
{{- $open = append $open (int .) -}}
{{- end -}}
{{- if not (has $port $open) -}}
{{- fail (printf "networkPolicy.egress.tenants.ports: add %d, the port of tenantProxy.url, since otherwise the proxy cannot be reached" $port) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "psg-operator.refuse.volumes" -}}
{{- $volumes := list -}}
{{- $ca := or .Values.tenantCA.configMap .Values.tenantCA.secret -}}
{{- range .Values.extraVolumes -}}
{{- if and $ca (eq .name "tenant-ca") -}}
{{- fail "extraVolumes: give tenant-ca another name, since it is that of the volume of tenantCA" -}}
{{- end -}}
{{- $volumes = append $volumes .name -}}
{{- end -}}
{{- $log := .Values.audit.log -}}
{{- $kept := not (hasPrefix "/" $log) -}}
{{- range .Values.extraVolumeMounts -}}
{{- if not (has .name $volumes) -}}
{{- fail (printf "extraVolumeMounts: add the volume %s to extraVolumes" .name) -}}
{{- end -}}
{{- if and (hasPrefix (printf "%s/" (trimSuffix "/" .mountPath)) $log) (not .readOnly) -}}
{{- $kept = true -}}
{{- end -}}
{{- end -}}
{{- if not $kept -}}
{{- fail (printf "audit.log: mount a writable volume at the folder of %s by extraVolumes and extraVolumeMounts, since the container's own file system is read-only" $log) -}}
{{- end -}}
{{- end -}}

{{- define "psg-operator.refuse.metrics" -}}
{{- $metrics := .Values.metrics -}}
{{- if and $metrics.serviceMonitor.enabled $metrics.podMonitor.enabled -}}
{{- fail "metrics: enable serviceMonitor or podMonitor, since with both every figure is counted twice" -}}
{{- end -}}
{{- if and $metrics.serviceMonitor.enabled (not $metrics.service.enabled) -}}
{{- fail "metrics.serviceMonitor: set metrics.service.enabled=true, or enable metrics.podMonitor, which needs no Service" -}}
{{- end -}}
{{- $elsewhere := false -}}
{{- range .Values.extraArgs -}}
{{- if eq (splitList "=" . | first) "--metrics-listen" -}}{{- $elsewhere = true -}}{{- end -}}
{{- end -}}
{{- range .Values.extraEnv -}}
{{- if eq .name "PSG_METRICS_LISTEN" -}}{{- $elsewhere = true -}}{{- end -}}
{{- end -}}
{{- if and $elsewhere (or $metrics.service.enabled $metrics.serviceMonitor.enabled $metrics.podMonitor.enabled) -}}
{{- fail "metrics: disable service, serviceMonitor and podMonitor, or leave --metrics-listen out, since with it the port 8080 serves no metrics" -}}
{{- end -}}
{{- end -}}

{{/* A budget that lets no pod go holds up the drain of a node for ever. */}}
{{- define "psg-operator.refuse.budget" -}}
{{- with .Values.podDisruptionBudget -}}
{{- $min := toString .minAvailable -}}
{{- $max := toString .maxUnavailable -}}
{{- if .enabled -}}
{{- if and $min $max -}}
{{- fail "podDisruptionBudget: set minAvailable or maxUnavailable, since a budget has one of the two" -}}
{{- end -}}
{{- if or (eq $min "100%") (has $max (list "0" "0%")) -}}
{{- fail "podDisruptionBudget: let at least one pod go, since otherwise no node with a pod can be drained" -}}
{{- end -}}
{{- if and $min (not (hasSuffix "%" $min)) (ge (int $min) (int $.Values.replicaCount)) (gt (int $.Values.replicaCount) 0) -}}
{{- fail (printf "podDisruptionBudget: set minAvailable below replicaCount, %d, since otherwise no node with a pod can be drained" (int $.Values.replicaCount)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
