{{/* The name of every object: the release's, which must say what it is. */}}
{{- define "psg-operator.fullname" -}}
{{- if contains "psg-operator" .Release.Name -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-psg-operator" .Release.Name | trunc 50 | trimSuffix "-" }}
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
app.kubernetes.io/name: psg-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* On every object. */}}
{{- define "psg-operator.labels" -}}
{{ include "psg-operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Who is bound. */}}
{{- define "psg-operator.subjects" -}}
- kind: ServiceAccount
  name: {{ include "psg-operator.serviceAccount" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}
