{{/* What it is called, in names and labels. */}}
{{- define "psg-operator.name" -}}
{{ .Values.nameOverride | default "psg-operator" }}
{{- end -}}

{{/* The name of every object: the release's, which must say what it is. Room for a suffix is left. */}}
{{- define "psg-operator.fullname" -}}
{{- $name := include "psg-operator.name" . -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride }}
{{- else if contains $name .Release.Name -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" }}
{{- end -}}
{{- end -}}

{{/* The account that the operator runs under. */}}
{{- define "psg-operator.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "psg-operator.fullname" .) }}
{{- else -}}
{{ required "serviceAccount.name: name the account that exists, or set serviceAccount.create" .Values.serviceAccount.name }}
{{- end -}}
{{- end -}}

{{/* What selects the pods of this release. */}}
{{- define "psg-operator.selector" -}}
app.kubernetes.io/name: {{ include "psg-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* On every object. */}}
{{- define "psg-operator.labels" -}}
{{ include "psg-operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The same and more, of which a key may be among commonLabels too. */}}
{{- define "psg-operator.labels.with" -}}
{{ toYaml (merge (dict) (index . 1) (include "psg-operator.labels" (index . 0) | fromYaml)) }}
{{- end -}}

{{/* Who is bound. */}}
{{- define "psg-operator.subjects" -}}
- kind: ServiceAccount
  name: {{ include "psg-operator.serviceAccount" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}

{{/* The image: a digest is exact, and some runtimes refuse a tag beside it. */}}
{{- define "psg-operator.image" -}}
{{- with .Values.global.imageRegistry | default .Values.image.registry }}{{ . }}/{{ end -}}
{{ .Values.image.repository }}
{{- if .Values.image.digest -}}
@{{ .Values.image.digest }}
{{- else -}}
:{{ .Values.image.tag | default (printf "v%s" .Chart.AppVersion) }}
{{- end -}}
{{- end -}}

{{/* What an endpoint of a monitor has, whichever of the two it is. */}}
{{- define "psg-operator.endpoint" -}}
path: /metrics
{{- with .interval }}
interval: {{ . }}
{{- end }}
{{- with .scrapeTimeout }}
scrapeTimeout: {{ . }}
{{- end }}
{{- with .relabelings }}
relabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .metricRelabelings }}
metricRelabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* A security context; on OpenShift the namespace says which user and groups it is. */}}
{{- define "psg-operator.context" -}}
{{- $context := index . 1 -}}
{{- if (index . 0).Values.openshift -}}
{{- $context = omit $context "runAsUser" "runAsGroup" "fsGroup" -}}
{{- end -}}
{{- with $context -}}
{{ toYaml . }}
{{- end -}}
{{- end -}}

{{/* The volume of the authorities that are trusted for tenants; nothing if there are none. */}}
{{- define "psg-operator.tenantCA" -}}
{{- with .Values.tenantCA -}}
{{- $items := list (dict "key" .key "path" "ca.crt") -}}
{{- if .configMap -}}
{{- dict "name" "tenant-ca" "configMap" (dict "name" .configMap "items" $items) | toYaml -}}
{{- else if .secret -}}
{{- dict "name" "tenant-ca" "secret" (dict "secretName" .secret "items" $items) | toYaml -}}
{{- end -}}
{{- end -}}
{{- end -}}
