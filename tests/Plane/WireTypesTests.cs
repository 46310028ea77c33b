using DistNet.Protocol.Wire;
using Google.Protobuf;
using Xunit;

namespace DistNet.Plane.Tests;

/// <summary>The generated types of the wire.</summary>
public sealed class WireTypesTests
{
    [Fact]
    public void A_chunk_comes_back_from_its_bytes()
    {
        Chunk chunk = new() { Offset = 3, Checksum = 5, Data = ByteString.CopyFromUtf8("data") };
        Assert.Equal(chunk, Chunk.Parser.ParseFrom(chunk.ToByteArray()));
    }
}
