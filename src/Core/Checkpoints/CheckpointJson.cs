using System.Collections.Immutable;
using System.Text.Json.Serialization;
using DistNet.Data;
using DistNet.Tensors;
using DistNet.Training;

namespace DistNet.Checkpoints;

/// <summary><c>state.json</c>: everything of a checkpoint that is no tensor. Doubles round-trip exactly; NaN and the infinities are strings.</summary>
internal sealed record CheckpointJson
{
    /// <summary>The version of the format that is written and read.</summary>
    public const int CurrentFormat = 1;

    public required int Format { get; init; }

    public required TrainingState State { get; init; }

    public required string DataFingerprint { get; init; }

    public required int[] InputShape { get; init; }

    public required ImmutableArray<string> ClassNames { get; init; }

    public required int TargetWidth { get; init; }

    public required ImmutableArray<string> FeatureNames { get; init; }

    /// <summary>Left out where no column has a rule.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ColumnJson[]? Columns { get; init; }

    public required NormalizeMode Normalization { get; init; }

    public required ImmutableArray<ParameterJson> Parameters { get; init; }

    public required ImmutableArray<string> Slots { get; init; }

    public required bool HasBest { get; init; }

    public required string Job { get; init; }

    /// <summary>The layout of the parameters.</summary>
    public Layout Layout() => new(Parameters.Select(parameter => (parameter.Name, new Shape(parameter.Shape), parameter.Role)));

    public static CheckpointJson Of(Checkpoint checkpoint) => new()
    {
        Format = CurrentFormat,
        State = checkpoint.State,
        DataFingerprint = checkpoint.DataFingerprint,
        InputShape = [.. checkpoint.Model.InputShape.Dimensions],
        ClassNames = checkpoint.Model.ClassNames,
        TargetWidth = checkpoint.Model.TargetWidth,
        FeatureNames = checkpoint.Model.FeatureNames,
        Columns = checkpoint.Model.Columns.IsEmpty ? null : [.. checkpoint.Model.Columns.Select(ColumnJson.Of)],
        Normalization = checkpoint.Model.Normalization?.Mode ?? NormalizeMode.None,
        Parameters = [.. checkpoint.Parameters.Layout.Entries.Select(entry => new ParameterJson(entry.Name, [.. entry.Shape.Dimensions], entry.Role))],
        Slots = [.. checkpoint.Slots.Keys.Order(StringComparer.Ordinal)],
        HasBest = checkpoint.Best is not null,
        Job = checkpoint.JobJson,
    };
}

/// <summary>One parameter of the layout.</summary>
internal sealed record ParameterJson(string Name, int[] Shape, ParameterRole Role);

/// <summary>What the training data decided about one column of a table.</summary>
internal sealed record ColumnJson(
    string Name, string? Missing, float? Fill, CategoryEncoding Encoding, UnknownCategory Unknown, ImmutableArray<string> Categories, string? FillCategory)
{
    public static ColumnJson Of(FeatureColumn column) =>
        new(column.Name, column.Rule.Missing, column.Fill, column.Rule.Categories, column.Rule.Unknown, column.Categories, column.FillCategory);

    /// <summary>The column, checked as far as that can be done for itself.</summary>
    /// <exception cref="ArgumentException">It contradicts itself.</exception>
    public FeatureColumn ToColumn()
    {
        bool isNumber = Encoding == CategoryEncoding.None;
        if (Categories.IsDefault || Categories.IsEmpty != isNumber || !Enum.IsDefined(Encoding) || Categories.Any(text => text is null) || Categories.Distinct().Count() < Categories.Length
            || (isNumber && (Missing is null) != (Fill is null)) || (Fill is { } fill && !float.IsFinite(fill)) || (!isNumber && (Missing is null) != (FillCategory is null)))
        {
            throw new ArgumentException($"the column '{Name}' contradicts itself");
        }

        return new FeatureColumn(Name ?? "", new ColumnRule { Missing = Missing, Categories = Encoding, Unknown = Unknown }) { Fill = Fill, Categories = Categories, FillCategory = FillCategory };
    }
}

/// <summary><c>manifest.json</c>: the other files, their sizes and checksums, and a checksum of itself.</summary>
internal sealed record ManifestJson
{
    public required int Format { get; init; }

    public required long Step { get; init; }

    public required bool Best { get; init; }

    public required ImmutableArray<FileJson> Files { get; init; }

    public required string Sha256 { get; init; }
}

/// <summary>One file of a checkpoint.</summary>
internal sealed record FileJson(string Name, long Bytes, string Sha256);

[JsonSourceGenerationOptions(
    WriteIndented = true,
    NewLine = "\n",
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(CheckpointJson))]
[JsonSerializable(typeof(ManifestJson))]
internal sealed partial class CheckpointJsonContext : JsonSerializerContext;
