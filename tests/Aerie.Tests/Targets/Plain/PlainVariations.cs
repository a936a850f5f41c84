// What is varied: for each family a small config in the spelling of 4.x, and changes of it.
using System.Text.Json.Nodes;

namespace Aerie.Tests.Targets.Plain;

/// <param name="Text">The changes.</param>
/// <param name="Case">The case.</param>
sealed record PlainVariation(string Text, PlainCase Case);

static class PlainVariations
{
    const string Common = """
        "num_hidden_layers": 2, "hidden_size": 32, "intermediate_size": 40, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 48, "max_position_embeddings": 256, "rms_norm_eps": 1e-4,
        "rope_theta": 1000, "tie_word_embeddings": false
        """;

    static readonly Dictionary<string, (string Architecture, string Base)> Families = new()
    {
        ["llama"] = ("LlamaForCausalLM", Common),
        ["qwen2"] = ("Qwen2ForCausalLM", Common),
        ["qwen3"] = ("Qwen3ForCausalLM", $"""{Common}, "head_dim": 12"""),
        ["mistral"] = ("MistralForCausalLM", $"""{Common}, "sliding_window": 7"""),
        ["mixtral"] = ("MixtralForCausalLM", $"""{Common}, "num_local_experts": 5, "num_experts_per_tok": 2"""),
        ["qwen3_moe"] = ("Qwen3MoeForCausalLM", $"""{Common}, "num_experts": 6, "num_experts_per_tok": 2, "moe_intermediate_size": 12"""),
        ["phi3"] = ("Phi3ForCausalLM", Common),
        ["gemma2"] = ("Gemma2ForCausalLM", $"""{Common}, "head_dim": 12, "query_pre_attn_scalar": 20, "sliding_window": 6"""),
        ["gemma3_text"] = ("Gemma3ForCausalLM", $"""{Common}, "head_dim": 12, "query_pre_attn_scalar": 20, "sliding_window": 6, "sliding_window_pattern": 2, "rope_local_base_freq": 100"""),
        ["gpt_oss"] = ("GptOssForCausalLM", $"""{Common}, "head_dim": 16, "num_local_experts": 5, "num_experts_per_tok": 2, "sliding_window": 6, "swiglu_limit": 1.5"""),
        ["olmo2"] = ("Olmo2ForCausalLM", Common),
        ["granite"] = ("GraniteForCausalLM", Common),
        ["deepseek_v3"] = ("DeepseekV3ForCausalLM", $"""
            {Common}, "q_lora_rank": 16, "kv_lora_rank": 12, "qk_nope_head_dim": 6, "qk_rope_head_dim": 8, "v_head_dim": 10, "first_k_dense_replace": 1, "n_routed_experts": 8, "num_experts_per_tok": 3,
            "n_group": 4, "topk_group": 2, "moe_intermediate_size": 12, "n_shared_experts": 2, "norm_topk_prob": true, "routed_scaling_factor": 2.5
            """),
        ["nemotron_h"] = ("NemotronHForCausalLM", """
            "hybrid_override_pattern": "ME*-", "num_hidden_layers": 4, "hidden_size": 32, "intermediate_size": 40, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 12, "vocab_size": 48,
            "max_position_embeddings": 256, "mamba_num_heads": 6, "mamba_head_dim": 8, "n_groups": 2, "ssm_state_size": 16, "conv_kernel": 4, "n_routed_experts": 8, "num_experts_per_tok": 3,
            "moe_intermediate_size": 12, "moe_shared_expert_intermediate_size": 20, "routed_scaling_factor": 2.5, "time_step_limit": [0.0, null], "rope_theta": 10000, "partial_rotary_factor": 1.0
            """),
    };

    const string Llama3 = """ "rope_scaling": {"rope_type": "llama3", "factor": 4, "low_freq_factor": 1, "high_freq_factor": 4""";
    const string Yarn = """ "rope_scaling": {"type": "yarn", "factor": 4, "beta_fast": 8, "original_max_position_embeddings": 16""";
    const string Long = """ "rope_scaling": {"short_factor": [1, 1.1, 1.3, 1.5], "long_factor": [1, 2, 3, 4.5]""";

    // A key whose value is "absent" is removed.
    static readonly (string Family, string Keys, Func<PlainCase, PlainCase>? With)[] All =
    [
        ("llama", "", null),
        ("llama", "", c => c with { Tokens = 1 }),
        ("llama", "", c => c with { Tokens = 2, Rows = 3 }),
        ("llama", "", c => c with { Tokens = 70, Rows = 2 }),
        ("llama", "", c => c with { Tokens = 130 }),
        ("llama", """ "rms_norm_eps": "absent", "rope_theta": "absent", "tie_word_embeddings": "absent" """, null),
        ("llama", """ "attention_bias": true """, null),
        ("llama", """ "mlp_bias": true """, null),
        ("llama", """ "attention_bias": true, "mlp_bias": true, "tie_word_embeddings": true, "num_key_value_heads": null """, null),
        ("llama", """ "num_key_value_heads": "absent", "head_dim": null """, null),
        ("llama", """ "tie_word_embeddings": true """, c => c with { HeadToo = true }),
        ("llama", """ "pretraining_tp": 2, "attention_dropout": 0.5, "initializer_range": 0.1, "use_cache": false """, Add("model.layers.0.self_attn.rotary_emb.inv_freq", 4)),
        ("llama", """ "rope_scaling": {"type": "linear", "factor": 2.5} """, c => c with { Tokens = 40 }),
        ("llama", """ "rope_scaling": {"rope_type": "linear", "type": "yarn", "factor": 2.5} """, null),
        ("llama", """ "rope_scaling": {"factor": 2.5} """, null),
        ("llama", $$"""{{Llama3}}, "original_max_position_embeddings": 32}, "rope_theta": 500 """, c => c with { Tokens = 70 }),
        ("llama", $$"""{{Llama3}}}, "max_position_embeddings": 64 """, c => c with { Tokens = 40 }),
        ("llama", $$"""{{Llama3}}, "original_max_position_embeddings": 8}, "rope_theta": 1e6, "head_dim": 32 """, null),
        ("llama", $$"""{{Yarn}}} """, c => c with { Tokens = 40 }),
        ("llama", $$"""{{Yarn}}}, "head_dim": 32 """, null),
        ("llama", $$"""{{Yarn}}, "truncate": false}, "head_dim": 32 """, null),
        ("llama", $$"""{{Yarn}}, "truncate": true, "beta_slow": 2}, "head_dim": 32 """, null),
        ("llama", $$"""{{Yarn}}, "attention_factor": 1.3}, "head_dim": 32 """, null),
        ("llama", $$"""{{Yarn}}, "attention_factor": 0.7, "mscale": 1.2, "mscale_all_dim": 0.5} """, null),
        ("llama", $$"""{{Yarn}}, "mscale": 1.2, "mscale_all_dim": 0.5}, "head_dim": 32 """, null),
        ("llama", $$"""{{Yarn}}, "mscale": 1.2} """, null),
        ("llama", $$"""{{Yarn}}, "mscale": 1.2, "mscale_all_dim": 0} """, null),
        ("llama", """ "rope_scaling": {"rope_type": "yarn", "factor": 8}, "max_position_embeddings": 64, "head_dim": 32 """, null),
        ("llama", """ "rope_scaling": {"rope_type": "yarn", "factor": 1, "mscale": 2, "mscale_all_dim": 1} """, null),
        ("llama", """ "rope_scaling": {"rope_type": "yarn", "factor": 0.5, "original_max_position_embeddings": 4, "truncate": false}""", null),
        ("llama", """ "num_attention_heads": 1, "num_key_value_heads": 1 """, null),
        ("llama", """ "num_attention_heads": 8, "num_key_value_heads": 1, "head_dim": 20 """, c => c with { Tokens = 70 }),
        ("llama", """ "hidden_size": 36, "intermediate_size": 37, "num_attention_heads": 6, "num_key_value_heads": 3, "head_dim": 2, "vocab_size": 51 """, null),
        ("llama", """ "hidden_size": 20, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 40, "intermediate_size": 7 """, null),
        ("llama", """ "hidden_size": 36, "num_attention_heads": 3, "num_key_value_heads": 1, "head_dim": 96 """, c => c with { Tokens = 66 }),
        ("llama", """ "hidden_size": 24, "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 128, "rope_theta": 5e5 """, c => c with { Tokens = 65 }),
        ("llama", """ "hidden_size": 10, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 256, "vocab_size": 17 """, c => c with { Tokens = 64 }),
        ("llama", """ "hidden_size": 270, "num_attention_heads": 10, "num_key_value_heads": 5, "head_dim": 6, "intermediate_size": 530 """, null),
        ("llama", "", c => c with { Documents = [5, 1, 30, 2, 12] }),
        ("llama", "", c => c with { BFloat16 = true }),
        ("llama", """ "rope_parameters": null, "rope_scaling": null, "head_dim": null, "layer_types": null """, null),
        ("llama", """ "max_position_embeddings": 16 """, null),
        ("llama", """ "rms_norm_eps": 0.01 """, null),
        ("llama", $$"""{{Yarn}}, "attention_factor": null, "mscale": null, "mscale_all_dim": null, "beta_slow": null}""", null),
        ("llama", """ "rope_parameters": {"rope_type": "yarn", "factor": 4, "rope_theta": 300}, "rope_theta": 77, "max_position_embeddings": 32 """, null),
        ("llama", """ "rope_parameters": {"rope_type": "default"}, "rope_theta": 77 """, null),
        ("llama", """ "hidden_size": 48, "num_attention_heads": 3, "num_key_value_heads": 1, "head_dim": 8 """, c => c with { Tokens = 300, Greedy = 2 }),

        ("qwen2", "", null),
        ("qwen2", """ "tie_word_embeddings": true, "sliding_window": 5, "max_window_layers": 0 """, null),
        ("qwen2", """ "use_sliding_window": true, "sliding_window": 5, "max_window_layers": 1, "num_hidden_layers": 3 """, null),
        ("qwen2", """ "use_sliding_window": true, "sliding_window": 5, "max_window_layers": 0 """, c => c with { Tokens = 70 }),
        ("qwen2", """ "use_sliding_window": true, "sliding_window": 5 """, null),
        ("qwen2", """ "use_sliding_window": true, "sliding_window": null, "max_window_layers": 0 """, null),
        ("qwen2", """ "use_sliding_window": true, "max_window_layers": 0 """, null),
        ("qwen2", """ "use_sliding_window": true, "num_hidden_layers": 30, "sliding_window": 3, "hidden_size": 8, "intermediate_size": 8 """, c => c with { Tokens = 8 }),
        ("qwen2", """ "use_sliding_window": true, "sliding_window": 4, "max_window_layers": 9, "layer_types": ["sliding_attention", "full_attention"] """, null),
        ("qwen2", """ "head_dim": 10, "rms_norm_eps": "absent" """, null),
        ("qwen2", $$"""{{Yarn}}}""", c => c with { Tokens = 30 }),
        ("qwen2", "", c => c with { BFloat16 = true }),
        ("qwen2", """ "use_sliding_window": true, "sliding_window": 5, "max_window_layers": 1, "layer_types": null """, c => c with { Documents = [5, 1, 30, 2, 12] }),

        ("qwen3", "", null),
        ("qwen3", """ "head_dim": "absent", "rms_norm_eps": "absent", "rope_theta": "absent", "tie_word_embeddings": true """, null),
        ("qwen3", """ "attention_bias": true """, null),
        ("qwen3", """ "use_sliding_window": true, "sliding_window": 5, "max_window_layers": 1 """, null),
        ("qwen3", """ "use_sliding_window": true, "sliding_window": 64, "layer_types": ["full_attention", "sliding_attention"] """, c => c with { Tokens = 70 }),
        ("qwen3", """ "sliding_window": 5, "max_window_layers": 0, "num_key_value_heads": 1 """, null),
        ("qwen3", $$"""{{Yarn}}}, "head_dim": 40 """, c => c with { Tokens = 70 }),
        ("qwen3", "", c => c with { Documents = [5, 1, 30, 2, 12] }),
        ("qwen3", "", c => c with { BFloat16 = true, Rows = 3 }),

        ("mistral", "", null),
        ("mistral", """ "sliding_window": null """, c => c with { Tokens = 70 }),
        ("mistral", """ "sliding_window": 1 """, null),
        ("mistral", """ "sliding_window": 2, "head_dim": 20 """, null),
        ("mistral", """ "sliding_window": 20 """, null),
        ("mistral", """ "sliding_window": 21 """, null),
        ("mistral", """ "sliding_window": 19 """, null),
        ("mistral", """ "sliding_window": 500, "layer_types": ["sliding_attention", "full_attention"], "attention_bias": true, "mlp_bias": true """, null),
        ("mistral", """ "sliding_window": 64 """, c => c with { Tokens = 70 }),
        ("mistral", """ "sliding_window": 65, "num_key_value_heads": null """, c => c with { Tokens = 150 }),
        ("mistral", """ "sliding_window": 63, "head_dim": null """, c => c with { Tokens = 130, Rows = 2 }),
        ("mistral", """ "sliding_window": "absent", "hidden_size": 8, "num_attention_heads": 1, "num_key_value_heads": 1, "num_hidden_layers": 1, "max_position_embeddings": 8192 """, c => c with { Tokens = 4100, Greedy = 0 }),
        ("mistral", $$"""{{Yarn}}}, "rms_norm_eps": "absent", "rope_theta": "absent" """, null),
        ("mistral", "", c => c with { Documents = [5, 1, 30, 2, 12] }),
        ("mistral", "", c => c with { BFloat16 = true, Greedy = 12 }),
        ("mistral", """ "sliding_window": 128 """, c => c with { Tokens = 200 }),

        ("mixtral", "", null),
        ("mixtral", """ "num_experts_per_tok": 1 """, null),
        ("mixtral", """ "num_experts_per_tok": 5, "head_dim": 20 """, null),
        ("mixtral", """ "sliding_window": 5, "num_experts_per_tok": 1, "tie_word_embeddings": true """, null),
        ("mixtral", """ "sliding_window": null, "rms_norm_eps": "absent", "rope_theta": "absent", "router_jitter_noise": 0.3, "output_router_logits": true """, null),
        ("mixtral", """ "num_local_experts": 1, "num_experts_per_tok": 1 """, null),
        ("mixtral", """ "num_local_experts": 17, "num_experts_per_tok": 4, "intermediate_size": 9, "hidden_size": 40 """, c => c with { Tokens = 5 }),
        ("mixtral", "", c => c with { Tokens = 1 }),
        ("mixtral", """ "sliding_window": 4 """, c => c with { Documents = [5, 1, 30, 2, 12] }),
        ("mixtral", "", c => c with { BFloat16 = true }),
        ("mixtral", "", c => c with { Tokens = 70, Rows = 2 }),

        ("qwen3_moe", "", null),
        ("qwen3_moe", "", c => c with { Change = FuseExperts }),
        ("qwen3_moe", """ "norm_topk_prob": true """, c => c with { Tokens = 1 }),
        ("qwen3_moe", """ "norm_topk_prob": false, "num_experts_per_tok": 6 """, null),
        ("qwen3_moe", """ "decoder_sparse_step": 2, "norm_topk_prob": true """, c => c with { Change = FuseExperts }),
        ("qwen3_moe", """ "decoder_sparse_step": 3, "num_hidden_layers": 4, "norm_topk_prob": true, "mlp_only_layers": [3] """, null),
        ("qwen3_moe", """ "mlp_only_layers": [0], "norm_topk_prob": true """, null),
        ("qwen3_moe", """ "mlp_only_layers": [0, 1] """, null),
        ("qwen3_moe", """ "num_experts": 0 """, null),
        ("qwen3_moe", """ "attention_bias": true, "head_dim": 20, "sliding_window": 4, "rms_norm_eps": "absent", "rope_theta": "absent" """, null),
        ("qwen3_moe", """ "use_sliding_window": true, "sliding_window": 4, "max_window_layers": 1 """, null),
        ("qwen3_moe", """ "use_sliding_window": true, "sliding_window": null """, null),
        ("qwen3_moe", """ "use_sliding_window": false, "sliding_window": 4, "tie_word_embeddings": true, "num_experts_per_tok": 1 """, null),
        ("qwen3_moe", "", c => c with { Documents = [5, 1, 30, 2, 12] }),
        ("qwen3_moe", "", c => c with { BFloat16 = true, Change = FuseExperts }),
        ("qwen3_moe", """ "mlp_only_layers": null, "decoder_sparse_step": 1 """, c => c with { Tokens = 70 }),

        ("phi3", """ "original_max_position_embeddings": 64 """, null),
        ("phi3", """ "partial_rotary_factor": 0.5, "sliding_window": 5, "rms_norm_eps": "absent", "rope_theta": "absent" """, null),
        ("phi3", """ "partial_rotary_factor": 0.75, "sliding_window": null, "head_dim": 24, "tie_word_embeddings": true """, null),
        ("phi3", """ "partial_rotary_factor": 0.4, "num_attention_heads": 2, "num_key_value_heads": 1, "hidden_size": 40 """, null),
        ("phi3", $$"""{{Long}}, "type": "longrope"}, "original_max_position_embeddings": 32""", null),
        ("phi3", $$"""{{Long}}, "type": "longrope"}, "original_max_position_embeddings": 20, "rope_theta": 50""", c => c with { Greedy = 0 }),
        ("phi3", $$"""{{Long}}, "type": "longrope"}, "original_max_position_embeddings": 19, "rope_theta": 50""", null),
        ("phi3", $$"""{{Long}}, "type": "su"}, "original_max_position_embeddings": 10, "rope_theta": 50""", null),
        ("phi3", $$"""{{Long}}, "type": "yarn"}, "original_max_position_embeddings": 10, "rope_theta": 50""", null),
        ("phi3", $$"""{{Long}}, "rope_type": "longrope"}, "original_max_position_embeddings": 256, "sliding_window": 5""", null),
        ("phi3", $$"""{{Long}}, "type": "longrope"}, "original_max_position_embeddings": 512""", null),
        ("phi3", $$"""{{Long}}, "type": "longrope"}, "max_position_embeddings": 8192""", null),
        ("phi3", $$"""{{Long}}, "type": "longrope", "attention_factor": 1.4}, "original_max_position_embeddings": 10""", null),
        ("phi3", $$"""{{Long}}, "type": "longrope", "factor": 6}, "original_max_position_embeddings": 10""", null),
        ("phi3", $$"""{{Long}}, "type": "longrope", "factor": 1}, "original_max_position_embeddings": 10""", null),
        ("phi3", $$"""{{Long}}, "type": "longrope"}, "original_max_position_embeddings": 10, "head_dim": 16, "partial_rotary_factor": 0.5, "sliding_window": 70 """, c => c with { Tokens = 70 }),
        ("phi3", """ "num_key_value_heads": null """, c => c with { Tokens = 1 }),
        ("phi3", $$"""{{Long}}, "type": "longrope"}, "original_max_position_embeddings": 20 """, c => c with { Documents = [5, 1, 30, 2, 12] }),
        ("phi3", "", c => c with { BFloat16 = true }),
        ("phi3", $$"""{{Long}}, "type": "longrope", "original_max_position_embeddings": 10}, "rope_theta": 50 """, null),
        ("phi3", $$"""{{Long}}, "type": "longrope", "original_max_position_embeddings": 100, "factor": null, "attention_factor": null}, "original_max_position_embeddings": 10 """, null),
        ("phi3", """ "rope_parameters": {"rope_type": "default"}, "partial_rotary_factor": 0.5 """, null),

        ("gemma2", "", null),
        ("gemma2", """ "attn_logit_softcapping": null, "final_logit_softcapping": null """, null),
        ("gemma2", """ "attn_logit_softcapping": 1.5, "final_logit_softcapping": 4, "num_hidden_layers": 3 """, null),
        ("gemma2", """ "attn_logit_softcapping": 1.5, "final_logit_softcapping": null, "attention_bias": true """, null),
        ("gemma2", """ "tie_word_embeddings": "absent", "rms_norm_eps": "absent", "rope_theta": "absent", "query_pre_attn_scalar": "absent", "head_dim": "absent", "sliding_window": "absent" """, null),
        ("gemma2", """ "tie_word_embeddings": true, "query_pre_attn_scalar": 5.5, "head_dim": 96 """, c => c with { HeadToo = true }),
        ("gemma2", """ "layer_types": ["full_attention", "sliding_attention"], "attn_logit_softcapping": 2 """, c => c with { Tokens = 70 }),
        ("gemma2", """ "num_key_value_heads": 1, "hidden_size": 36, "sliding_window": 64, "hidden_act": "silu" """, c => c with { Tokens = 70, Rows = 2 }),
        ("gemma2", """ "rope_scaling": {"type": "linear", "factor": 3} """, null),
        ("gemma2", "", c => c with { Documents = [5, 1, 30, 2, 12] }),
        ("gemma2", """ "tie_word_embeddings": true """, c => c with { BFloat16 = true }),

        ("gemma3_text", "", null),
        ("gemma3_text", """ "num_hidden_layers": 7, "sliding_window_pattern": "absent", "rope_theta": "absent", "rope_local_base_freq": "absent", "rms_norm_eps": "absent", "tie_word_embeddings": "absent" """, null),
        ("gemma3_text", """ "sliding_window_pattern": 1 """, null),
        ("gemma3_text", """ "sliding_window_pattern": 3, "num_hidden_layers": 3, "final_logit_softcapping": 3, "attn_logit_softcapping": 0.5 """, null),
        ("gemma3_text", """ "rope_scaling": {"rope_type": "linear", "factor": 3} """, c => c with { Tokens = 70 }),
        ("gemma3_text", """ "rope_scaling": {"rope_type": "linear", "factor": 8, "type": "default"}, "attention_bias": true """, null),
        ("gemma3_text", $$"""{{Yarn.Replace("\"type\"", "\"rope_type\"", StringComparison.Ordinal)}}}""", null),
        ("gemma3_text", """ "head_dim": "absent", "query_pre_attn_scalar": "absent", "sliding_window": "absent", "num_key_value_heads": 1 """, null),
        ("gemma3_text", """ "layer_types": ["full_attention", "sliding_attention"], "head_dim": 40 """, null),
        ("gemma3_text", """ "tie_word_embeddings": true, "sliding_window": 70 """, c => c with { Tokens = 70, HeadToo = true }),
        ("gemma3_text", "", c => c with { Documents = [5, 1, 30, 2, 12] }),
        ("gemma3_text", """ "tie_word_embeddings": true """, c => c with { BFloat16 = true }),
        ("gemma3_text", """ "rope_parameters": {"full_attention": {"rope_type": "default"}, "sliding_attention": {"rope_type": "linear", "factor": 3}}, "rope_theta": "absent", "rope_local_base_freq": "absent" """, null),
        ("gemma3_text", """ "rope_parameters": {"full_attention": {"rope_type": "yarn", "factor": 4, "rope_theta": 700, "original_max_position_embeddings": 16}, "sliding_attention": {"rope_type": "default", "rope_theta": 50}} """, null),

        ("gpt_oss", """ "rope_theta": "absent" """, c => c with { Tokens = 40 }),
        ("gpt_oss", """ "rope_theta": "absent", "swiglu_limit": "absent", "sliding_window": "absent", "head_dim": "absent", "rms_norm_eps": "absent", "tie_word_embeddings": "absent" """, c => c with { Tokens = 150 }),
        ("gpt_oss", $$"""{{Yarn}}, "truncate": false}""", null),
        ("gpt_oss", $$"""{{Yarn}}}, "swiglu_alpha": 1.1, "swiglu_limit": 0.4, "num_hidden_layers": 3 """, null),
        ("gpt_oss", $$"""{{Yarn}}}, "rope_theta": "absent", "attention_bias": false, "num_experts_per_tok": 1 """, null),
        ("gpt_oss", """ "rope_scaling": {"rope_type": "default"}, "layer_types": ["full_attention", "sliding_attention"] """, null),
        ("gpt_oss", """ "rope_scaling": {"rope_type": "linear", "factor": 3}, "sliding_window": 1, "num_experts_per_tok": 5, "tie_word_embeddings": true """, null),
        ("gpt_oss", """ "rope_scaling": {"rope_type": "default"}, "sliding_window": 64, "num_key_value_heads": 1, "hidden_size": 36, "intermediate_size": 9, "head_dim": 20 """, c => c with { Tokens = 70, Rows = 2 }),
        ("gpt_oss", """ "rope_theta": "absent" """, c => c with { Tokens = 1 }),
        ("gpt_oss", """ "rope_theta": "absent" """, c => c with { Documents = [5, 1, 30, 2, 12] }),
        ("gpt_oss", """ "rope_theta": "absent" """, c => c with { BFloat16 = true }),
        ("gpt_oss", """ "rope_parameters": {"rope_type": "yarn", "factor": 8, "original_max_position_embeddings": 32}, "rope_theta": "absent" """, null),

        ("olmo2", "", null),
        ("olmo2", """ "attention_bias": true, "tie_word_embeddings": true, "rms_norm_eps": "absent", "rope_theta": "absent" """, null),
        ("olmo2", """ "num_key_value_heads": 1, "head_dim": 20 """, c => c with { Tokens = 70 }),
        ("olmo2", """ "num_key_value_heads": null, "sliding_window": 3, "layer_types": ["full_attention", "full_attention"] """, c => c with { Tokens = 1 }),
        ("olmo2", $$"""{{Yarn}}}""", null),
        ("olmo2", """ "hidden_size": 36, "num_attention_heads": 3, "num_key_value_heads": 3, "rope_scaling": {"type": "linear", "factor": 2} """, null),
        ("olmo2", "", c => c with { Documents = [5, 1, 30, 2, 12] }),
        ("olmo2", "", c => c with { BFloat16 = true }),

        ("granite", "", null),
        ("granite", """ "embedding_multiplier": 12, "attention_multiplier": 0.0625, "residual_multiplier": 0.22, "logits_scaling": 8 """, null),
        ("granite", """ "embedding_multiplier": 0.3 """, null),
        ("granite", """ "attention_multiplier": 0.2, "attention_bias": true, "mlp_bias": true, "tie_word_embeddings": true """, null),
        ("granite", """ "residual_multiplier": 0.4, "rms_norm_eps": "absent", "rope_theta": "absent", "num_key_value_heads": null """, null),
        ("granite", """ "logits_scaling": 0.25, "attention_bias": true, "head_dim": 20 """, c => c with { Tokens = 70 }),
        ("granite", $$"""{{Yarn}}}, "mlp_bias": true """, null),
        ("granite", """ "embedding_multiplier": 12, "attention_multiplier": 0.0625, "residual_multiplier": 0.22, "logits_scaling": 8 """, c => c with { Documents = [5, 1, 30, 2, 12] }),
        ("granite", "", c => c with { BFloat16 = true }),

        ("deepseek_v3", "", null),
        ("deepseek_v3", """ "q_lora_rank": null """, null),
        ("deepseek_v3", """ "rope_interleave": false """, c => c with { Tokens = 70 }),
        ("deepseek_v3", """ "rope_interleave": "absent", "q_lora_rank": null, "rms_norm_eps": 0.01 """, null),
        ("deepseek_v3", $$"""{{Yarn}}, "mscale": 1, "mscale_all_dim": 1}""", c => c with { Tokens = 40 }),
        ("deepseek_v3", $$"""{{Yarn}}, "mscale": 1, "mscale_all_dim": 0.6}, "rope_interleave": false """, null),
        ("deepseek_v3", $$"""{{Yarn}}, "mscale_all_dim": 0.6}""", null),
        ("deepseek_v3", $$"""{{Yarn}}, "mscale": 0.8}""", null),
        ("deepseek_v3", $$"""{{Yarn}}, "mscale": 0.8, "mscale_all_dim": 0}""", null),
        ("deepseek_v3", $$"""{{Yarn}}, "attention_factor": 1.2, "mscale": 0.8, "mscale_all_dim": 0.4}""", null),
        ("deepseek_v3", """ "rope_scaling": {"rope_type": "linear", "factor": 3, "mscale_all_dim": 0.5} """, null),
        ("deepseek_v3", """ "rope_scaling": {"type": "yarn", "factor": 0.5, "mscale": 1, "mscale_all_dim": 0.5, "original_max_position_embeddings": 32} """, null),
        ("deepseek_v3", """ "rope_scaling": {"type": "default", "factor": 3, "mscale_all_dim": 0.5} """, null),
        ("deepseek_v3", """ "first_k_dense_replace": 0, "n_group": 1, "topk_group": 1 """, null),
        ("deepseek_v3", """ "first_k_dense_replace": 2 """, null),
        ("deepseek_v3", """ "first_k_dense_replace": 5, "tie_word_embeddings": true """, null),
        ("deepseek_v3", """ "norm_topk_prob": false, "routed_scaling_factor": 1.0 """, null),
        ("deepseek_v3", """ "norm_topk_prob": "absent", "n_shared_experts": 1, "topk_group": 1, "num_experts_per_tok": 2 """, null),
        ("deepseek_v3", """ "n_shared_experts": 3, "topk_group": 4, "num_experts_per_tok": 1 """, null),
        ("deepseek_v3", """ "n_group": 2, "topk_group": 1, "num_experts_per_tok": 4, "routed_scaling_factor": 0.7 """, c => c with { Tokens = 1 }),
        ("deepseek_v3", """ "qk_nope_head_dim": 16, "qk_rope_head_dim": 4, "v_head_dim": 24, "num_key_value_heads": 4, "head_dim": 4 """, null),
        ("deepseek_v3", """ "qk_nope_head_dim": 20, "qk_rope_head_dim": 20, "v_head_dim": 3, "kv_lora_rank": 5, "q_lora_rank": 7, "hidden_size": 36, "rms_norm_eps": "absent", "rope_theta": "absent" """, c => c with { Tokens = 66, Rows = 2 }),
        ("deepseek_v3", """ "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128, "kv_lora_rank": 40, "num_attention_heads": 2 """, null),
        ("deepseek_v3", """ "num_nextn_predict_layers": 1 """, Add("model.layers.2.eh_proj.weight", 32, 64)),
        ("deepseek_v3", "", c => c with { Documents = [5, 1, 30, 2, 12] }),
        ("deepseek_v3", "", c => c with { BFloat16 = true }),
        ("deepseek_v3", "", c => c with { Change = FuseExperts }),

        ("nemotron_h", "", null),
        ("nemotron_h", "", c => c with { Tokens = 1 }),
        ("nemotron_h", "", c => c with { Tokens = 2, Rows = 2 }),
        ("nemotron_h", "", c => c with { Tokens = 70 }),
        ("nemotron_h", "", c => c with { Change = t => Rename(t, "backbone.", "model.") }),
        ("nemotron_h", """ "num_nextn_predict_layers": 1 """, Add("mtp.layers.0.norm.weight", 32)),
        ("nemotron_h", """ "use_bias": true, "mlp_bias": true """, null),
        ("nemotron_h", """ "use_bias": true, "mlp_bias": true, "moe_latent_size": 10, "attention_bias": true, "mamba_proj_bias": true """, null),
        ("nemotron_h", """ "moe_latent_size": 18, "hybrid_override_pattern": "E*M" """, null),
        ("nemotron_h", """ "use_conv_bias": false, "hybrid_override_pattern": "MM*" """, null),
        ("nemotron_h", """ "mamba_conv_bias": false, "use_conv_bias": true, "mamba_n_groups": 3, "mamba_d_conv": 3, "mamba_chunk_size": 8, "mamba_expand": 7, "mamba_dt_min": 0.05 """, null),
        ("nemotron_h", """ "layers_block_type": ["mamba", "attention", "moe", "mlp"], "hybrid_override_pattern": "absent" """, null),
        ("nemotron_h", """ "layers_block_type": ["mlp", "attention", "mamba"], "num_hidden_layers": 3, "hybrid_override_pattern": "absent", "time_step_min": 0.3, "time_step_max": 0.4 """, null),
        ("nemotron_h", """ "n_groups": 1, "conv_kernel": 2, "ssm_state_size": 5, "mamba_head_dim": 3, "hidden_size": 36 """, null),
        ("nemotron_h", """ "n_groups": 6, "conv_kernel": 7, "ssm_state_size": 20, "mamba_head_dim": 20 """, c => c with { Tokens = 5 }),
        ("nemotron_h", """ "n_groups": 4, "mamba_num_heads": 8, "mamba_head_dim": 64, "ssm_state_size": 64, "expand": 2 """, c => c with { Tokens = 40 }),
        ("nemotron_h", """ "conv_kernel": 1 """, null),
        ("nemotron_h", """ "n_group": 4, "topk_group": 2, "norm_topk_prob": false """, null),
        ("nemotron_h", """ "n_group": 2, "topk_group": 1, "num_experts_per_tok": 4, "routed_scaling_factor": "absent", "n_shared_experts": 3, "norm_topk_prob": true """, null),
        ("nemotron_h", """ "num_experts_per_tok": 1, "layer_norm_epsilon": 0.01, "rms_norm_eps": 0.5 """, null),
        ("nemotron_h", """ "num_experts_per_tok": 8, "tie_word_embeddings": true, "sliding_window": 3, "num_key_value_heads": 1 """, null),
        ("nemotron_h", """ "head_dim": "absent", "hybrid_override_pattern": "*-" """, null),
        ("nemotron_h", """ "n_groups": "absent", "conv_kernel": "absent", "ssm_state_size": "absent", "mamba_head_dim": "absent", "mamba_num_heads": "absent", "hybrid_override_pattern": "M*", "hidden_size": 8 """,
            c => c with { Tokens = 5, Greedy = 1 }),
        ("nemotron_h", """ "hybrid_override_pattern": "MEM*" """, c => c with { Documents = [5, 1, 30, 2, 12] }),
        ("nemotron_h", "", c => c with { BFloat16 = true }),
        ("nemotron_h", """ "hybrid_override_pattern": "MM*", "n_groups": 3, "mamba_head_dim": 12 """, c => c with { Tokens = 300, Greedy = 2 }),
        ("nemotron_h", """ "moe_latent_size": null, "num_key_value_heads": null, "layer_norm_epsilon": "absent" """, null),
        ("nemotron_h", """ "head_dim": 5 """, c => c with { Tokens = 70 }),
        ("nemotron_h", """ "hybrid_override_pattern": "*E", "mamba_num_heads": "absent", "mamba_head_dim": "absent", "n_groups": "absent", "ssm_state_size": "absent", "conv_kernel": "absent", "intermediate_size": "absent" """, null),
        ("nemotron_h", """ "hybrid_override_pattern": "-*M", "n_routed_experts": "absent", "num_experts_per_tok": "absent", "moe_intermediate_size": "absent", "moe_shared_expert_intermediate_size": "absent" """, null),
    ];

    internal static PlainVariation[] Of(string family) =>
    [
        .. All.Where(v => v.Family == family).Select(v =>
        {
            var (architecture, common) = Families[family];
            var json = JsonNode.Parse($$"""{"architectures": ["{{architecture}}"], "model_type": "{{family}}", {{common}}}""")!.AsObject();
            foreach (var (key, value) in JsonNode.Parse($"{{{v.Keys}}}")!.AsObject())
            {
                if (value is JsonValue word && word.TryGetValue<string>(out var text) && text == "absent") json.Remove(key);
                else json[key] = value?.DeepClone();
            }
            if (family == "nemotron_h") json["num_hidden_layers"] = new PlainConfig(json).Layers;
            var plain = new PlainCase(json);
            return new PlainVariation(v.Keys.Trim(), v.With?.Invoke(plain) ?? plain);
        }),
    ];

    static Func<PlainCase, PlainCase> Add(string name, params int[] shape) => c => c with { Change = t => t[name] = (shape, new float[shape.Aggregate(1, (a, b) => a * b)]) };

    static void Rename(Dictionary<string, (int[] Shape, float[] Values)> tensors, string from, string to)
    {
        foreach (var name in tensors.Keys.Where(n => n.StartsWith(from, StringComparison.Ordinal)).ToList())
        {
            tensors.Remove(name, out var value);
            tensors[to + name[from.Length..]] = value;
        }
    }

    // experts.gate_up_proj [E, 2J, H] and experts.down_proj [E, H, J] in place of a matrix for each expert.
    static void FuseExperts(Dictionary<string, (int[] Shape, float[] Values)> tensors)
    {
        foreach (var first in tensors.Keys.Where(n => n.EndsWith("experts.0.gate_proj.weight", StringComparison.Ordinal)).ToList())
        {
            var p = first[..first.IndexOf("0.gate", StringComparison.Ordinal)];
            var count = tensors.Keys.Count(n => n.StartsWith(p, StringComparison.Ordinal) && n.EndsWith(".gate_proj.weight", StringComparison.Ordinal));
            var shape = tensors[first].Shape;
            tensors[$"{p}gate_up_proj"] = ([count, 2 * shape[0], shape[1]],
                [.. Enumerable.Range(0, count).SelectMany(e => tensors[$"{p}{e}.gate_proj.weight"].Values.Concat(tensors[$"{p}{e}.up_proj.weight"].Values))]);
            tensors[$"{p}down_proj"] = ([count, shape[1], shape[0]], [.. Enumerable.Range(0, count).SelectMany(e => tensors[$"{p}{e}.down_proj.weight"].Values)]);
            for (var e = 0; e < count; e++)
                foreach (var part in (string[])["gate", "up", "down"]) tensors.Remove($"{p}{e}.{part}_proj.weight");
        }
    }
}
