using System.Diagnostics.CodeAnalysis;
using DistNet.Protocol.Plane;
using DistNet.Protocol.SharedMemory;

namespace DistNet.Worker.Plane;

/// <summary>The worker's half of the probe: whether what the coordinator offers is really memory of both.</summary>
/// <remarks>Not by a host's name, which says nothing about containers: the worker opens the offered files, finds the nonce of the offer in them, and writes a proof
/// of its own into the gradients' memory, which the coordinator must find in its. Only when it answers so does the session use the memory.</remarks>
public static class SharedMemoryClient
{
    /// <summary>Opens what is offered and writes the proof.</summary>
    /// <param name="offer">The offer, as it came over the wire: nothing in it is believed before it was checked.</param>
    /// <param name="sizes">As this process reckons them: <see cref="SharedMemorySizes.Of"/>.</param>
    /// <param name="plane">The session's plane, to be disposed by the caller, whatever the coordinator answers.</param>
    /// <param name="proof">What to tell the coordinator. Where nothing could be opened it stands nowhere; told all the same, it has the coordinator give its
    /// memory back.</param>
    /// <param name="reason">Why there is none, as a clause without a stop at the end.</param>
    /// <param name="folder">Where the files must lie.</param>
    /// <param name="attendance">The attendance that the offer came with.</param>
    public static bool TryOpen(
        SharedMemoryPaths offer,
        SharedMemorySizes sizes,
        [NotNullWhen(true)] out SharedWorkerPlane? plane,
        out Guid proof,
        [NotNullWhen(false)] out string? reason,
        string? folder = null,
        WorkerAttendance? attendance = null)
    {
        ArgumentNullException.ThrowIfNull(offer);
        ArgumentNullException.ThrowIfNull(sizes);
        folder ??= SharedMemoryFolder.Default;
        plane = null;
        proof = Guid.NewGuid();
        reason = Fault(offer, sizes);
        if (reason is not null)
        {
            return false;
        }

        SharedGradients? gradients = null;
        string file = offer.GradientsFile;
        try
        {
            gradients = SharedGradients.Open(Path.Combine(folder, file), offer.GradientsBytes, sizes.ArenaLength, offer.Nonce);
            file = offer.ParametersFile;
            SharedParameters parameters = SharedParameters.Open(Path.Combine(folder, file), sizes, gradients.ParametersNonce);
            plane = new SharedWorkerPlane(parameters, gradients, attendance);
            gradients = null;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            reason = $"{file} in {folder} cannot be shared: {refused.Message.TrimEnd('.')}";
            return false;
        }
        finally
        {
            gradients?.Dispose();
        }

        plane.WriteProof(proof);
        return true;
    }

    private static string? Fault(SharedMemoryPaths offer, SharedMemorySizes sizes)
    {
        if (!SharedMemoryFolder.IsName(offer.ParametersFile) || !SharedMemoryFolder.IsName(offer.GradientsFile))
        {
            return "the offered names are not those of shared files";
        }

        return offer.ParametersBytes == SharedParameters.Bytes(sizes) ? null : "the offered memory is not that of this model";
    }
}
