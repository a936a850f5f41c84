// The name of a repository: `org/name`, a model or a data set. Its rules are the hub's; everything else is refused before any request.
using System.Text.RegularExpressions;

namespace Aerie.Hub;

/// <summary>A repository of the hub.</summary>
sealed partial record HubRepository
{
    /// <summary><c>org/name</c>, or <c>name</c> alone.</summary>
    public string Id { get; }

    /// <summary>A data set, not a model.</summary>
    public bool Dataset { get; }

    /// <exception cref="HubException">No such id can exist.</exception>
    public HubRepository(string id, bool dataset = false)
    {
        if (!IsId(id)) throw new HubException(HubProblem.BadName, $"`{id}` is not an id of a hub.", "An id is org/name: letters, digits, and . _ - within, 96 characters a part at most, no `--` or `..`.");
        (Id, Dataset) = (id, dataset);
    }

    /// <summary>Could a hub have this id?</summary>
    public static bool IsId(string id) => Shape().IsMatch(id) && !id.Contains("--", StringComparison.Ordinal) && !id.Contains("..", StringComparison.Ordinal) && !id.EndsWith(".git", StringComparison.Ordinal);

    /// <summary><c>models--org--name</c>: its folder in the cache.</summary>
    public string Folder => $"{(Dataset ? "datasets" : "models")}--{Id.Replace("/", "--", StringComparison.Ordinal)}";

    /// <summary>Path of its page and its files below the endpoint.</summary>
    public string Page => Dataset ? $"/datasets/{Id}" : $"/{Id}";

    /// <summary>Path of what the hub says about it.</summary>
    public string Api => $"/api/{(Dataset ? "datasets" : "models")}/{Id}";

    /// <summary>The full name of a commit: 40 hexadecimal digits in lower case.</summary>
    public static bool IsCommit(string revision) => revision.Length == 40 && revision.All(char.IsAsciiHexDigitLower);

    /// <summary>A relative path of plain names, with slashes: nothing that climbs out of a folder or means another drive.</summary>
    public static bool IsPath(string path) => path.Length is > 0 and < 4096 && path.Split('/').All(part => part is not ("" or "." or "..") && part.IndexOfAny(Refused) < 0);

    static readonly char[] Refused = [.. Enumerable.Range(0, 32).Select(i => (char)i), '\\', .. OperatingSystem.IsWindows() ? ":*?\"<>|" : ""];

    [GeneratedRegex(@"\A(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?/)?[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?\z")]
    private static partial Regex Shape();
}
