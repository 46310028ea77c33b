using System.Text;
using DistNet.Data;
using DistNet.Protocol.Wire;
using DistNet.Runs;
using DistNet.Training;
using Google.Protobuf;

namespace DistNet.Protocol.Plane;

/// <summary>The run's description on the wire.</summary>
internal static class RunDescriptionWire
{
    private const string Message = "the run's description";

    /// <summary>For the wire.</summary>
    public static Wire.RunDescription ToWire(RunDescription run)
    {
        var wire = new Wire.RunDescription
        {
            Run = WireChecks.Bytes(run.Run.Value),
            Term = run.Term,
            JobJson = run.JobJson,
            DatasetFingerprint = run.Data.Fingerprint,
            SetupHash = run.SetupHash,
            ArenaLength = run.ArenaLength,
            Slots = run.Slots,
        };
        foreach (DataFileInfo file in run.Data.Files)
        {
            wire.Files.Add(new Wire.DataFile
            {
                Key = file.Key,
                Name = file.Name,
                PathHint = file.PathHint,
                Bytes = file.Bytes,
                Sha256 = ByteString.CopyFrom(Convert.FromHexString(file.Sha256)),
            });
        }

        if (run.Data.Normalization is { } statistics)
        {
            wire.Normalization = new Wire.Normalization { Kind = KindOf(statistics.Mode) };
            wire.Normalization.Mean.AddRange(statistics.Mean);
            wire.Normalization.Deviation.AddRange(statistics.Deviation);
        }

        return wire;
    }

    /// <summary>From the wire, checked as far as that can be done without the job; what depends on it is checked where the job is read.</summary>
    /// <exception cref="WireContentException">It cannot be a description.</exception>
    public static RunDescription FromWire(Wire.RunDescription wire)
    {
        WireChecks.Require(wire.Term > 0, Message, "term");
        WireChecks.Require(Encoding.UTF8.GetByteCount(wire.JobJson) <= WireLimits.JobJsonBytes, Message, "job");
        WireChecks.Require(wire.Files.Count <= WireLimits.DataFiles, Message, "files");
        return new RunDescription(
            new RunId(WireChecks.Identifier(wire.Run, Message, "run")),
            wire.Term,
            wire.JobJson,
            new DataDescription(
                [.. wire.Files.Select(FromWire)],
                WireChecks.Text(wire.DatasetFingerprint, WireLimits.NameLength, Message, "dataset fingerprint"),
                FromWire(wire.Normalization)),
            WireChecks.Text(wire.SetupHash, WireLimits.NameLength, Message, "setup hash"),
            WireChecks.Within(wire.ArenaLength, 0, WireLimits.ArenaFloats, Message, "arena length"),
            WireChecks.Within(wire.Slots, 1, WireLimits.Slots, Message, "slots"));
    }

    private static DataFileInfo FromWire(Wire.DataFile file)
    {
        WireChecks.Require(file.Sha256.Length == WireLimits.Sha256Bytes, Message, "sha256");
        WireChecks.Require(file.Bytes is >= 0 and <= DataFileInfo.MaximumBytes, Message, "bytes");
        return new DataFileInfo(
            WireChecks.Name(file.Key, Message, "key"),
            WireChecks.Text(file.Name, WireLimits.PathLength, Message, "name"),
            WireChecks.Text(file.PathHint, WireLimits.PathLength, Message, "path hint"),
            file.Bytes,
            Convert.ToHexStringLower(file.Sha256.Span));
    }

    private static NormalizationStatistics? FromWire(Wire.Normalization? normalization)
    {
        if (normalization is null)
        {
            return null;
        }

        bool holds = normalization.Kind is NormalizationKind.Feature or NormalizationKind.Channel
            && normalization.Mean.Count is > 0 and <= WireLimits.NormalizationValues
            && normalization.Deviation.Count == normalization.Mean.Count
            && normalization.Mean.All(float.IsFinite)
            && normalization.Deviation.All(value => float.IsFinite(value) && value >= 0);
        WireChecks.Require(holds, Message, "normalization");
        NormalizeMode mode = normalization.Kind == NormalizationKind.Feature ? NormalizeMode.Feature : NormalizeMode.Channel;
        return new NormalizationStatistics(mode, [.. normalization.Mean], [.. normalization.Deviation]);
    }

    private static NormalizationKind KindOf(NormalizeMode mode) => mode switch
    {
        NormalizeMode.Feature => NormalizationKind.Feature,
        NormalizeMode.Channel => NormalizationKind.Channel,
        _ => NormalizationKind.None,
    };
}
