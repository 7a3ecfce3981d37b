import AsyncHTTPClient
import CouchAPI
import Hummingbird
