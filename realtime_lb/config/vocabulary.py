"""LiteLLM's keys that do nothing here, as data: a feature that arrives takes its row out of a table.

Each key stands under the section it belongs to. Names are those of LiteLLM 1.109.1's documentation
("All settings") and of the fields of its router's types.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = [
    "CHAT_ONLY_MODELS",
    "NOT_YET",
    "NO_MEANING",
    "PROVIDERS",
    "STRATEGIES_FOR_CHAT",
    "XAI_VOICE_MODELS",
]

PROVIDERS = ("openai", "azure", "openai_compatible", "azure_voice_live", "xai")
"""The providers that come with this package. ``openai``, ``azure`` and ``xai`` are LiteLLM's names. It has
none for Voice Live, so that one is made like its others (``azure_ai``, ``azure_text``)."""

STRATEGIES_FOR_CHAT = ("lar1",)
"""LiteLLM's strategies that decide by what is in a request's body, which a session does not have."""

CHAT_ONLY_MODELS = (
    "babbage*", "chatgpt-*", "codex*", "computer-use*", "dall-e*", "davinci*", "gpt-3.5*", "gpt-4", "gpt-4-*",
    "gpt-4.*", "gpt-4o", "gpt-4o-20*", "gpt-4o-mini", "gpt-4o-mini-20*", "gpt-4o-audio*",
    "gpt-4o-mini-audio*", "gpt-4o-search*", "gpt-4o-mini-search*", "gpt-4o-mini-tts*", "gpt-5*", "gpt-audio*",
    "gpt-image*", "gpt-oss*", "o1", "o1-*", "o3", "o3-*", "o4-*", "omni-moderation*", "responses/*", "sora*",
    "text-*", "tts-*",
)  # fmt: skip
"""OpenAI's models that have no realtime endpoint (its models page). None holds ``realtime`` in its name."""

XAI_VOICE_MODELS = ("*voice*", "*realtime*", "*[*]*")
"""xAI's models that speak (xAI: Voice Agent API), and wildcards. Its others chat, under the same prefix."""

_CLIENTS_KEY = "clients are checked against general_settings.master_key alone"
_PROXIES = "list the proxies in realtime_lb.server.trusted_proxies"
_FOR_ALL = "router_settings and realtime_lb.health hold for all deployments"
_CHECKS_COUNT = "what background_health_checks find always counts"
_TRIES = "router_settings.num_retries holds for all deployments"

NOT_YET: Mapping[str, Mapping[str, str]] = {
    "": {
        "callback_settings": "",
        "credential_list": "put the credentials into litellm_params",
        "include": "put the models into this file",
    },
    "model_list[]": {},
    "litellm_params": {
        "azure_password": "use client_id and client_secret",
        "azure_scope": "tokens are asked for with azure-identity's scope for Azure OpenAI",
        "azure_username": "use client_id and client_secret",
        "budget_duration": "",
        "cooldown_time": _FOR_ALL,
        "cost_per_second": "set input_cost_per_second",
        "daily_reset_time": "",
        "headers": "use extra_headers",
        "itpm": "",
        "litellm_credential_name": "put the credentials into litellm_params",
        "max_budget": "",
        "max_retries": _TRIES,
        "mock_response": "",
        "num_retries": _TRIES,
        "otpm": "",
        "rpd": "",
        "tag_regex": "",
        "tpd": "",
    },
    "model_info": {
        "access_groups": "",
        "access_windows": "",
        "allowed_fails": _FOR_ALL,
        "allowed_fails_policy": _FOR_ALL,
        "blocked": "remove the item to take it out of service",
        "cooldown_time": _FOR_ALL,
        "disable_background_health_check": "general_settings.background_health_checks holds for all",
        "health_check_model": "",
        "health_check_timeout": "",
        "team_id": "",
        "team_public_model_name": "",
    },
    "router_settings": {
        "allowed_fails_policy": "",
        "background_health_check_model_groups": "every model group is checked",
        "cache_kwargs": "",
        "deployment_affinity_ttl_seconds": "",
        "enable_health_check_routing": _CHECKS_COUNT,
        "enable_pre_call_checks": "",
        "enable_weighted_failover": "an open always moves on within its group",
        "health_check_ignore_transient_errors": "",
        "health_check_staleness_threshold": "",
        "max_retries": "set num_retries",
        "model_group_affinity_config": "",
        "model_group_retry_policy": "",
        "optional_pre_call_checks": "",
        "provider_budget_config": "",
        "redis_db": "",
        "redis_host": "",
        "redis_password": "",
        "redis_port": "",
        "redis_ssl": "",
        "redis_url": "",
        "retry_policy": "",
        "routing_groups": "",
        "routing_strategy_args": "",
        "session_affinity_repin_on_failover": "",
        "tag_routing_prefix": "",
        "weights": "set litellm_params.weight",
    },
    "router_settings.model_group_alias": {"hidden": "the alias is listed as any other"},
    "litellm_settings": {
        "callbacks": "",
        "failure_callback": "",
        "model_alias_map": "use router_settings.model_group_alias",
        "service_callback": "",
        "service_callbacks": "",
        "ssl_certificate": "it is a client's certificate; to trust a CA bundle set ssl_verify to its path",
        "ssl_security_level": "",
        "success_callback": "",
    },
    "general_settings": {
        "admin_only_routes": "",
        "allowed_ips": _CLIENTS_KEY,
        "allowed_routes": "",
        "custom_auth": _CLIENTS_KEY,
        "enable_health_check_routing": _CHECKS_COUNT,
        "enable_jwt_auth": _CLIENTS_KEY,
        "enable_oauth2_auth": _CLIENTS_KEY,
        "enable_oauth2_proxy_auth": _CLIENTS_KEY,
        "forward_client_headers_to_llm_api": "",
        "forward_openai_org_id": "",
        "global_max_parallel_requests": "set realtime_lb.admission.max_sessions",
        "health_check_concurrency": "",
        "health_check_details": "",
        "health_check_ignore_transient_errors": "",
        "health_check_staleness_threshold": "",
        "key_management_settings": "pass credentials as environment variables",
        "key_management_system": "pass credentials as environment variables",
        "litellm_jwtauth": _CLIENTS_KEY,
        "litellm_key_header_name": "clients send Authorization, api-key or a subprotocol",
        "max_parallel_requests": "set litellm_params.max_parallel_requests",
        "use_azure_key_vault": "pass credentials as environment variables",
        "use_google_kms": "pass credentials as environment variables",
        "use_x_forwarded_for": _PROXIES,
    },
}
"""Section → key → what holds instead. Their features could serve realtime sessions, and do not yet."""

_PRICING = """
    cache_creation_input_token_cost cache_read_input_token_cost input_cost_per_character input_cost_per_image
    output_cost_per_character output_cost_per_image output_cost_per_reasoning_token
"""

_CACHING = """
    cache cache_params cache_responses caching caching_groups default_in_memory_ttl default_redis_ttl
    enable_caching_on_provider_specific_optional_params
"""

NO_MEANING: Mapping[str, frozenset[str]] = {
    section: frozenset(names.split())
    for section, names in {
        "": """
            assistant_settings default_vertex_config files_settings finetune_settings guardrails
            litellm_license mcp_aliases mcp_servers mcp_tools model_cost_map policies prompts search_tools
            tools vector_store_registry vector_stores
        """,
        "model_list[]": "model_id litellm_provider rpm tpm",
        "litellm_params": f"""
            {_PRICING} additional_drop_params adaptive_router_config adaptive_router_default_model
            allow_client_keepalive_override allowed_openai_params audio auto_router_config
            auto_router_config_path auto_router_default_model auto_router_embedding_model aws_access_key_id
            aws_profile_name aws_region_name aws_role_name aws_secret_access_key aws_session_name
            aws_session_token aws_sts_endpoint aws_web_identity_token cache_control_injection_points caching
            complexity_router_config configurable_clientside_auth_params context_window_fallback_dict
            default_api_key_rpm_limit default_api_key_tpm_limit deployment_id drop_params dynamic_rate_limit
            encoding_format extra_body force_timeout frequency_penalty function_call functions
            gcs_bucket_name guardrails hf_model_name keepalive_seconds litellm_trace_id logit_bias logprobs
            max_completion_tokens max_file_size_mb max_input_tokens max_output_tokens max_tokens
            merge_reasoning_content_in_choices metadata modalities model_info model_list modify_params n
            no-log parallel_tool_calls prediction presence_penalty preset_cache_key prompt_id
            prompt_variables provider_affinity_header quality_router_config reasoning_effort region_name
            repetition_penalty response_format safety_identifier seed service_tier stop store stream
            stream_options stream_timeout supports_system_message temperature thinking tool_choice tools
            top_k top_logprobs top_p ttl use_chat_completions_api use_in_pass_through use_litellm_proxy user
            vector_store_id verbosity vertex_credentials vertex_location vertex_project voice
            watsonx_region_name web_search_options aws_bedrock_project_id embedding_model index_name
            input_cost_per_text_message kubernetes_pod_discovery output_cost_per_second_1080p
            output_cost_per_second_2k output_cost_per_second_480p output_cost_per_second_4k
            output_cost_per_second_720p output_cost_per_second_768p responses_api_version
            stream_timeout_by_service_tier timeout_by_service_tier vector_bucket_name
        """,
        "model_info": f"""
            {_PRICING} additionalProp1 allow_fail_open cost_per_ptu_per_hour created_at created_by db_model
            deprecation_date description direct_access discoverable display_name enable_tag_filtering
            internal_router_model key litellm_provider max_input_tokens
            max_output_tokens max_tokens metadata output_vector_size ptu_count
            ptu_effective_from ptu_effective_to rpm supported_endpoints supported_environments
            supported_modalities supported_openai_params supported_output_modalities
            supports_assistant_prefill supports_audio_input supports_audio_output supports_function_calling
            supports_native_streaming supports_parallel_function_calling supports_pdf_input
            supports_prompt_caching supports_reasoning supports_response_schema supports_system_messages
            supports_tool_choice supports_vision supports_web_search tags tier tpm updated_at updated_by
            version enforce_supported_endpoints max_embedding_batch_size member_auto_router pricing_provider
            ptu_shares
        """,
        "router_settings": f"""
            {_CACHING} alerting_config assistants_config client_ttl content_policy_fallbacks
            context_window_fallbacks debug_level default_litellm_params default_priority
            enable_pre_call_check guardrail_list ignore_invalid_deployments polling_interval
            router_general_settings search_tools set_verbose stream_timeout auto_router_capability_limit
            enable_mid_stream_fallback_continuation fallback_on_unsupported_params plugins
        """,
        "router_settings.model_group_alias": "",
        "litellm_settings": f"""
            {_CACHING} LITELLM_DISABLE_STOP_SEQUENCE_LIMIT add_function_to_prompt aiohttp_trust_env
            allowed_openai_params api_base api_key audit_log_callbacks callback_settings
            check_provider_endpoint content_policy_fallbacks context_window_fallbacks cost_discount_config
            cost_margin_config custom_prometheus_metadata_labels custom_prometheus_tags
            default_internal_user_params default_key_generate_params default_team_params
            default_team_settings disable_add_transform_inline_image_block disable_aiohttp_transport
            disable_copilot_system_to_assistant disable_end_user_cost_tracking
            disable_end_user_cost_tracking_prometheus_only disable_hf_tokenizer_download
            disable_stop_sequence_limit disable_streaming_logging disable_token_counter drop_params
            enable_json_schema_validation enable_key_alias_format_validation enable_preview_features
            enable_end_user_cost_tracking_prometheus_only extra_spend_tag_headers force_ipv4
            forward_traceparent_to_llm_provider guardrails include_cost_in_streaming_usage
            internal_user_budget_duration key_generation_settings langfuse_default_tags
            log_raw_request_response max_budget max_end_user_budget max_internal_user_budget
            max_ui_session_budget mcp_aliases model_cost model_fallbacks modify_params
            num_retries_per_request organization post_call_rules pre_call_rules priority_reservation
            priority_reservation_settings prometheus_initialize_budget_metrics prometheus_metrics_config
            public_model_groups redact_messages_in_exceptions redact_user_api_key_info
            require_auth_for_metrics_endpoint return_response_headers s3_callback_params set_verbose
            store_audit_logs store_model_in_db stream_timeout suppress_debug_info tag_budget_config
            telemetry upperbound_key_generate_params use_aiohttp_transport
            use_chat_completions_url_for_anthropic_messages user_url_validation vector_store_registry
        """,
        "general_settings": """
            alert_to_webhook_url alert_types alerting alerting_args alerting_threshold
            allow_client_side_credentials allow_requests_on_db_unavailable allow_user_auth coding_tools
            completion_model control_plane_url cost_tracking custom_key_generate custom_key_update
            custom_sso database_args database_connection_pool_limit database_connection_pool_timeout
            database_connection_timeout database_extra_connection_params database_type database_url
            default_team_disabled disable_adding_master_key_hash_to_db disable_budget_reservation
            disable_error_logs disable_master_key_return disable_prisma_schema_update disable_reset_budget
            disable_responses_id_security disable_retry_on_max_parallel_request_limit_error
            disable_spend_logs disable_spend_updates embedding_model enforce_user_param enforced_params
            image_generation_model infer_model_from_keys litellm_license max_request_size_mb
            max_response_size_mb maximum_spend_logs_retention_interval maximum_spend_logs_retention_period
            mcp_internal_ip_ranges moderation_model oauth2_config_mappings otel pass_through_endpoints
            proxy_batch_polling_interval proxy_batch_write_at proxy_budget_rescheduler_max_time
            proxy_budget_rescheduler_min_time public_routes reject_clientside_metadata_tags role_permissions
            search_tools service_account_settings spend_report_frequency store_model_in_db
            store_prompts_in_spend_logs supported_db_objects team_settings token_rate_limit_type
            ui_access_mode ui_theme_config use_client_credentials_pass_through_routes
            use_redis_transaction_buffer use_shared_health_check user_api_key_cache_ttl user_header_mappings
            user_header_name user_mcp_management_mode
        """,
    }.items()
}
"""Section → keys that say nothing about a realtime session."""
