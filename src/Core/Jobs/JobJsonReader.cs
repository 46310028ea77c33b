using System.Collections.Immutable;
using System.Text;
using System.Text.Json;

namespace DistNet.Jobs;

/// <summary>Reads JSON into the tree of a job. JSON is how a job travels and is recorded; YAML is how it is written by hand.</summary>
public static class JobJsonReader
{
    private const int MaximumDepth = 128;

    /// <summary>Reads one JSON document.</summary>
    /// <param name="json">The document.</param>
    /// <param name="source">What errors call it.</param>
    /// <exception cref="DistNetException">It is not JSON, or has a key twice.</exception>
    public static JobValue Read(string json, string source)
    {
        ArgumentNullException.ThrowIfNull(json);
        try
        {
            var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(json), new JsonReaderOptions { MaxDepth = MaximumDepth });
            reader.Read();
            JobValue value = ReadValue(ref reader, new JobPlace(source));
            reader.Read();
            return value;
        }
        catch (JsonException exception)
        {
            throw DistNetException.BadInput($"{source} is not JSON (line {exception.LineNumber + 1}): {exception.Message}", exception);
        }
    }

    private static JobValue ReadValue(ref Utf8JsonReader reader, JobPlace place)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                var entries = ImmutableArray.CreateBuilder<JobEntry>();
                while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                {
                    string name = reader.GetString()!;
                    reader.Read();
                    JobSection.Add(entries, new JobEntry(name, place, ReadValue(ref reader, place)));
                }

                return new JobSection(place, entries.ToImmutable());
            case JsonTokenType.StartArray:
                var items = ImmutableArray.CreateBuilder<JobValue>();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    items.Add(ReadValue(ref reader, place));
                }

                return new JobList(place, items.ToImmutable());
            case JsonTokenType.String:
                return new JobScalar(place, reader.GetString()!, quoted: true);
            default:
                return new JobScalar(place, Encoding.UTF8.GetString(reader.ValueSpan), quoted: false);
        }
    }
}
