"""The transcoder: turns an uploaded file into one CMAF set with HLS and DASH manifests, lowest rung first."""
