// The environment variables of the Hugging Face clients, in their order of precedence, so that one setup serves Python and us.
// One difference, on purpose: a variable that is set but empty counts as unset (Python takes an empty HF_HOME for the current folder).
using System.Globalization;
using System.Text.RegularExpressions;

namespace Aerie.Hub;

/// <summary>Where the hub and its cache are, and how patient we are.</summary>
sealed partial record HubSettings
{
    /// <summary>HF_HOME, $XDG_CACHE_HOME/huggingface, ~/.cache/huggingface.</summary>
    public required string Home { get; init; }

    /// <summary>HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, $HF_HOME/hub.</summary>
    public required string Cache { get; init; }

    /// <summary>HF_TOKEN_PATH, $HF_HOME/token.</summary>
    public required string TokenPath { get; init; }

    /// <summary>HF_ENDPOINT without slashes at its end, https://huggingface.co.</summary>
    public required string Endpoint { get; init; }

    /// <summary>HF_TOKEN, HUGGING_FACE_HUB_TOKEN, the file at <see cref="TokenPath"/>; null: anonymous (also with HF_HUB_DISABLE_IMPLICIT_TOKEN).</summary>
    public string? Token { get; init; }

    /// <summary>HF_HUB_OFFLINE if not empty, else TRANSFORMERS_OFFLINE: nothing is asked, the cache answers.</summary>
    public bool Offline { get; init; }

    /// <summary>False with HF_HUB_DISABLE_SYMLINKS: files lie in the snapshot itself.</summary>
    public bool Links { get; init; } = true;

    /// <summary>HF_HUB_ETAG_TIMEOUT: the longest silence of the hub's answers about files.</summary>
    public TimeSpan MetadataTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>HF_HUB_DOWNLOAD_TIMEOUT: the longest silence within a file.</summary>
    public TimeSpan DownloadTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Reads the variables.</summary>
    /// <param name="variable">Looks one up; null: those of the process.</param>
    /// <exception cref="AerieException">A value that makes no sense.</exception>
    public static HubSettings FromEnvironment(Func<string, string?>? variable = null)
    {
        variable ??= Environment.GetEnvironmentVariable;
        string? Get(string name) => variable(name) is { Length: > 0 } value ? value : null;
        bool True(string name) => Get(name)?.ToUpperInvariant() is "1" or "ON" or "YES" or "TRUE";
        string Expand(string path)
        {
            path = Reference().Replace(path, m => variable(m.Groups[1].Value + m.Groups[2].Value) ?? m.Value);
            if (path != "~" && !path.StartsWith("~/", StringComparison.Ordinal)) return path;
            return (Get("HOME") ?? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile)) + path[1..];
        }
        TimeSpan Seconds(string name) => Get(name) is not { } text ? TimeSpan.FromSeconds(10)
            : int.TryParse(text.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var n) && n is >= 0 and < 1_000_000 ? TimeSpan.FromSeconds(n == 0 ? 10 : n)
            : throw new AerieException($"{name} is \"{text}\": not a whole number of seconds.", $"Set it to {name}=10, or unset it.");

        var home = Expand(Get("HF_HOME") ?? Path.Combine(Get("XDG_CACHE_HOME") ?? "~/.cache", "huggingface"));
        var tokenPath = Expand(Get("HF_TOKEN_PATH") ?? Path.Combine(home, "token"));
        var endpoint = (Get("HF_ENDPOINT") ?? "https://huggingface.co").TrimEnd('/');
        if (!Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https") || uri.UserInfo.Length > 0 || uri.Query.Length > 0)
            throw new AerieException($"HF_ENDPOINT is \"{endpoint}\": not the address of a hub.", "Set it to something like https://huggingface.co, or unset it.");
        return new HubSettings
        {
            Home = home,
            Cache = Expand(Get("HF_HUB_CACHE") ?? Get("HUGGINGFACE_HUB_CACHE") ?? Path.Combine(home, "hub")),
            TokenPath = tokenPath,
            Endpoint = endpoint,
            Token = True("HF_HUB_DISABLE_IMPLICIT_TOKEN") ? null : Clean(Get("HF_TOKEN")) ?? Clean(Get("HUGGING_FACE_HUB_TOKEN")) ?? Clean(ReadToken(tokenPath)),
            Offline = Get("HF_HUB_OFFLINE") is not null ? True("HF_HUB_OFFLINE") : True("TRANSFORMERS_OFFLINE"),
            Links = !True("HF_HUB_DISABLE_SYMLINKS"),
            MetadataTimeout = Seconds("HF_HUB_ETAG_TIMEOUT"),
            DownloadTimeout = Seconds("HF_HUB_DOWNLOAD_TIMEOUT"),
        };
    }

    /// <summary>Without the token: settings may end up in a message.</summary>
    public override string ToString() => $"{Endpoint}, cache {Cache}";

    // A token goes into a header: blanks and line ends are removed, anything else that no header may hold is refused (and never printed).
    static string? Clean(string? token)
    {
        token = token?.Replace("\r", "", StringComparison.Ordinal).Replace("\n", "", StringComparison.Ordinal).Trim();
        if (string.IsNullOrEmpty(token)) return null;
        return token.All(c => c is > ' ' and <= '~') ? token : throw new AerieException("the token of the hub (HF_TOKEN or its file) has characters that no token has.", "Copy it again from the hub's settings.");
    }

    static string? ReadToken(string path)
    {
        try
        {
            return File.Exists(path) && new FileInfo(path).Length < 1 << 16 ? File.ReadAllText(path) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    [GeneratedRegex(@"\$(?:\{([^}]+)\}|([A-Za-z0-9_]+))")]
    private static partial Regex Reference();
}
