{{- define "dialtone.name" -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "dialtone.selector" -}}
app.kubernetes.io/name: dialtone
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "dialtone.labels" -}}
{{ include "dialtone.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
{{- end -}}
