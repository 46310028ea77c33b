using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using DistNet.Checkpoints;

namespace DistNet.Cli.RunFolders;

/// <summary>What a supervisor knows and its coordinator does not, added to <c>run.json</c> when the coordinator has ended.</summary>
internal static class RunRecordAmendment
{
    private static readonly JsonSerializerOptions Format = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, NewLine = "\n" };

    /// <summary>Changes the record, if there is one that can be read.</summary>
    /// <param name="path">The path of <c>run.json</c>.</param>
    /// <param name="change">Changes it.</param>
    /// <exception cref="DistNetException">The disk does not take it.</exception>
    public static void Write(string path, Action<JsonObject> change)
    {
        if (Read(path) is { } record)
        {
            change(record);
            AtomicFile.WriteAllText(path, record.ToJsonString(Format));
        }
    }

    private static JsonObject? Read(string path)
    {
        try
        {
            return JsonNode.Parse(File.ReadAllText(path)) as JsonObject;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }
}
