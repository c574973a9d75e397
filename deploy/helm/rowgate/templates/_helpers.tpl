{{- define "rowgate.labels" -}}
{{ include "rowgate.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* Services are called as the release, and theirs are the strictest names. */}}
{{- define "rowgate.selector" -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" .Release.Name) }}
{{- fail "the release's name has to begin with a letter, and to have nothing but small letters, digits and -" }}
{{- end -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: gateway
{{- end }}

{{- define "rowgate.image" -}}
{{ .Values.image.repository }}{{ with .Values.image.digest }}@{{ . }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{/* The most gateways at once: while a new version is rolled out, one more. */}}
{{- define "rowgate.gateways" -}}
{{ add1 (ternary .Values.autoscaling.maxReplicas .Values.replicas .Values.autoscaling.enabled) }}
{{- end }}

{{/* What all containers have: none may do or write anything but what it is for. */}}
{{- define "rowgate.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "rowgate.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "rowgate.schemaVolume" -}}
- name: protos
  configMap:
    name: {{ .Values.schema.configMap | quote }}
    {{- with .Values.schema.items }}
    items: {{- toYaml . | nindent 6 }}
    {{- end }}
{{- end }}

{{/* A file of a Secret, of a pod's other group alone. */}}
{{- define "rowgate.secretVolume" -}}
- name: {{ .name }}
  secret: {secretName: {{ .secret | quote }}, defaultMode: 0440}
{{- end }}

{{/* A setting as a variable holds it: Helm would write large numbers as 2.6e+08. */}}
{{- define "rowgate.setting" -}}
{{- if kindIs "string" . }}{{ . }}{{ else if kindIs "slice" . }}{{ join "," . }}{{ else }}{{ toJson . }}{{ end }}
{{- end }}
